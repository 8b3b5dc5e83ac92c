"""The fast reader: one compiled function per class, with the conversions inlined.

A value that already has the right class, as nearly all have, costs one identity check. Frozen objects are filled through
a mutable twin, a class of the same layout, and get their own class at the end: 0.72 of the time that the slots' own
`__set__` takes, 0.48 of calling the class (all sample events). tests/wire/test_readers.py compares both readers.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from returnhelper._wire.model import Model, attributes
from returnhelper._wire.scalars import MAX_DIGITS, to_datetime
from returnhelper._wire.shapes import FieldShape, Shape, ShapeKind, fields_of

Reader = Callable[[Any], Any]


def compile_reader(
    cls: type[Model], reader_of: Callable[[Any], Reader], other: Callable[[Any], Reader]
) -> Reader:
    """Compile the reader of one model. It raises any exception for a value that does not fit."""
    return _Compiler(cls, reader_of, other).compile()


class _Compiler:
    """Writes the source of one reader. `names` are what the source refers to."""

    def __init__(
        self, cls: type[Model], reader_of: Callable[[Any], Reader], other: Callable[[Any], Reader]
    ) -> None:
        self.cls = cls
        self.reader_of = reader_of
        self.other = other
        self.names: dict[str, Any] = {
            "UTC": UTC,
            "Decimal": Decimal,
            "from_iso": datetime.fromisoformat,
            "to_datetime": to_datetime,
            "cls": cls,
            "set_attribute": object.__setattr__,
        }

    def compile(self) -> Reader:
        fields = fields_of(self.cls)
        body = [line for number, field in enumerate(fields) for line in self.field(field, f"v{number}")]
        body += _call_class(fields) if _has_own_logic(self.cls) else self.fill_twin(fields)
        self.define("read(o)", body)
        read: Reader = self.names["read"]
        return read

    def define(self, signature: str, body: list[str]) -> None:
        source = "\n    ".join([f"def {signature}:", *body])
        exec(compile(source, f"<reader of {self.cls.__qualname__}>", "exec"), self.names)  # noqa: S102 - no text from outside

    def fill_twin(self, fields: tuple[FieldShape, ...]) -> list[str]:
        self.names["twin"] = _mutable_twin(self.cls)
        lines = ["made = twin()", "made._raw = o"]
        lines += [f"made.{field.attribute} = v{number}" for number, field in enumerate(fields)]
        return [*lines, "made.__class__ = cls", "return made"]

    def field(self, field: FieldShape, name: str) -> list[str]:
        first, *aliases = field.names
        lines = [f"{name} = o.get({first!r})"]
        lines += [f"if {name} is None: {name} = o.get({alias!r})" for alias in aliases]
        convert = self.conversion(field.shape, name)
        if field.required:
            # a required member that is null or absent is left to the careful reader
            return [*lines, f"if {name} is None: raise TypeError", *convert]
        self.names[f"default_{name}"] = field.fallback
        default = (
            "None" if field.default is None else repr(()) if field.default == () else f"default_{name}()"
        )
        if not convert:
            return lines if default == "None" else [*lines, f"if {name} is None: {name} = {default}"]
        if default == "None" and len(convert) == 1 and convert[0].startswith("if "):
            test, _, action = convert[0].partition(": ")
            return [*lines, f"{test} and {name} is not None: {action}"]
        lines.append(f"if {name} is not None:")
        lines += ["    " + line for line in convert]
        return lines if default == "None" else [*lines, f"else: {name} = {default}"]

    def conversion(self, shape: Shape, name: str) -> list[str]:
        """Return the lines that convert the plain value in `name`, which is not None."""
        if shape.kind is ShapeKind.PLAIN:
            return []
        self.names[f"to_{name}"] = shape.convert
        if shape.kind is ShapeKind.TIME:
            return _time(shape, name)
        if shape.kind is ShapeKind.LIST:
            return self.list_(shape, name)
        if shape.kind is ShapeKind.MAP:
            return self.mapping(shape, name)
        return [self.leaf(shape, name)]

    def leaf(self, shape: Shape, name: str) -> str:
        target = shape.target
        if shape.kind is ShapeKind.MODEL:
            self.names[f"to_{name}"] = self.reader_of(target)
        elif shape.kind is ShapeKind.OTHER:
            self.names[f"to_{name}"] = self.other(target)
        elif shape.kind is ShapeKind.CODE:
            self.names[f"table_{name}"] = target._table_.get
            return f"{name} = {name}.__class__ is str and table_{name}({name}) or to_{name}({name})"
        elif target is Decimal:
            exact = f"Decimal({name}) if {name}.__class__ is int else to_{name}({name})"
            return f"if {name}.__class__ is not Decimal: {name} = {exact}"
        elif target is int:
            digits = f"{name}.__class__ is str and {name}.isdigit() and len({name}) < {MAX_DIGITS}"
            return f"if {name}.__class__ is not int: {name} = int({name}) if {digits} else to_{name}({name})"
        elif target in (str, bool):
            return f"if {name}.__class__ is not {target.__name__}: {name} = to_{name}({name})"
        elif issubclass(target, str):
            self.names[f"text_{name}"] = target
            return f"{name} = text_{name}({name}) if {name}.__class__ is str else to_{name}({name})"
        return f"{name} = to_{name}({name})"

    def element(self, shape: Shape, name: str) -> str | None:
        """Return the expression for one element `x` of a collection, or None where elements stay as they are."""
        if shape.kind is ShapeKind.PLAIN:
            return None
        convert = self.conversion(shape, f"{name}x")
        expression = f"to_{name}x(x)"
        if shape.kind is ShapeKind.SCALAR and shape.target in (int, str, bool, Decimal):
            expression = f"x if x.__class__ is {shape.target.__name__} else {expression}"
        elif shape.kind in (ShapeKind.LIST, ShapeKind.MAP):
            self.define(f"to_{name}x({name}x)", [*convert, f"return {name}x"])
        return f"None if x is None else {expression}" if shape.optional else expression

    def list_(self, shape: Shape, name: str) -> list[str]:
        assert shape.inner is not None
        element = self.element(shape.inner, name)
        whole = name if element is None else f"[{element} for x in {name}]"
        return [f"if {name}.__class__ is not list: raise TypeError", f"{name} = tuple({whole})"]

    def mapping(self, shape: Shape, name: str) -> list[str]:
        assert shape.inner is not None
        element = self.element(shape.inner, name)
        if element is None:
            return [f"if {name}.__class__ is not dict: raise TypeError"]
        copy = f"{name} = {{k: {element} for k, x in {name}.items()}}"
        if shape.inner.kind is not ShapeKind.SCALAR or shape.inner.target is not str:
            return [copy]
        # a mapping of strings, as most are, need not be copied
        return [f"for x in {name}.values():", f"    if x.__class__ is not str: {copy}; break"]


def _has_own_logic(cls: type[Model]) -> bool:
    return hasattr(cls, "__attrs_post_init__") or any(
        field.validator or field.converter or not field.init for field in attributes(cls)
    )


def _call_class(fields: tuple[FieldShape, ...]) -> list[str]:
    arguments = ", ".join(f"{field.attribute.lstrip('_')}=v{number}" for number, field in enumerate(fields))
    return [f"made = cls({arguments})", "set_attribute(made, '_raw', o)", "return made"]


def _mutable_twin(cls: type[Model]) -> type:
    own_slots = tuple(cls.__dict__.get("__slots__", ()))
    # Setting and deleting share one slot of the type: only with both does the interpreter assign directly.
    methods = {
        "__init__": object.__init__,
        "__setattr__": object.__setattr__,
        "__delattr__": object.__delattr__,
    }
    return type(cls.__name__, cls.__bases__, {"__slots__": own_slots, **methods})


def _time(shape: Shape, name: str) -> list[str]:
    # Most times end in Z and are set; the others take the long way. What has no T there is in a compact form.
    lines = [
        f"t = from_iso({name})",
        f"{name} = t if t.tzinfo is UTC and t.year != 1 and {name}[10] == 'T' else to_datetime({name})",
    ]
    return lines if shape.optional else [*lines, f"if {name} is None: raise TypeError"]

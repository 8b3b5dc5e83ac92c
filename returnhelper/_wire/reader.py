"""Plain values to models, by a compiled function per class or by a careful walk that knows the path of each value.

The compiled reader assumes that everything fits, and raises any exception if something does not. Then the careful reader
reads the same value again: it tolerates what is harmless (an empty string for an absent number) and otherwise names the
member that does not fit. So error paths cost nothing until there is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from returnhelper._wire.compile import Reader, compile_reader
from returnhelper._wire.model import Model
from returnhelper._wire.scalars import StructureError
from returnhelper._wire.shapes import FieldShape, Shape, ShapeKind, fields_of, shape_of
from returnhelper.types import JSONValue

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")


def _is_model(cls: object) -> bool:
    return isinstance(cls, type) and issubclass(cls, Model)


def _model_hook(cls: type[Model]) -> Any:
    read = reader_of(cls)
    return lambda value, _: read(value)  # pyright: ignore[reportOptionalCall]


@cache
def _converter() -> Converter:
    """Return the converter of every annotation that has no shape of its own: unions, literals, users' classes.

    None of our models needs it, and importing cattrs takes a tenth of the time to the first typed event.
    """
    import cattrs

    converter = cattrs.Converter(detailed_validation=False)
    converter.register_structure_hook_factory(_is_model, _model_hook)
    for scalar, shape in ((scalar, shape_of(scalar)) for scalar in (int, str, bool)):
        converter.register_structure_hook(scalar, lambda value, _, convert=shape.convert: convert(value))  # pyright: ignore[reportOptionalCall]
    return converter


_readers: dict[type, Reader] = {}


def structure(value: JSONValue, cls: type[T]) -> T:
    """Read a plain value as `cls`. Raise `StructureError` with the path of the first member that does not fit."""
    reader = _readers.get(cls)
    if reader is None:
        if not _is_model(cls):
            return cast("T", _careful(shape_of(cls), value, ""))
        reader = reader_of(cast("type[Model]", cls))
    try:
        made: T = reader(value)
    except Exception:  # noqa: BLE001 - the compiled reader checks nothing itself
        return cast("T", structure_carefully(value, cast("type[Model]", cls)))
    return made


def structure_carefully(value: object, cls: type[Model]) -> Model:
    """Read a plain value as a model without the compiled reader; raise as `structure` does."""
    try:
        return _careful_model(cls, value, "")
    except RecursionError:
        raise StructureError("nested too deeply") from None


def reader_of(cls: type[Model]) -> Reader:
    """Return the compiled reader of a model, which may contain itself."""
    reader = _readers.get(cls)
    if reader is None:
        _readers[cls] = lambda value: _readers[cls](value)  # noqa: PLW0108 - until the compiled one exists
        try:
            reader = _readers[cls] = compile_reader(cls, reader_of, _other)
        except BaseException:
            del _readers[cls]
            raise
    return reader


def _other(annotation: Any) -> Reader:
    return lambda value: _converter().structure(value, annotation)


def _careful(shape: Shape, value: object, path: str) -> object:
    if shape.kind is ShapeKind.PLAIN:
        return value
    if shape.optional and _is_empty(shape, value):
        return None
    if shape.kind is ShapeKind.MODEL:
        return _careful_model(shape.target, value, path)
    if shape.kind is ShapeKind.LIST:
        return _careful_list(cast("Shape", shape.inner), value, path)
    if shape.kind is ShapeKind.MAP:
        return _careful_map(cast("Shape", shape.inner), value, path)
    try:
        result = (
            _converter().structure(value, shape.target) if shape.convert is None else shape.convert(value)
        )
    except StructureError as error:
        raise StructureError(error.message, path=path) from None
    except RecursionError:
        raise
    except Exception as error:  # noqa: BLE001 - from a user's own class
        raise StructureError(f"does not fit ({type(error).__name__})", path=path) from None
    if result is None and not shape.optional:
        raise StructureError("expected a time, got the unset time", path=path)
    return result


def _careful_list(inner: Shape, value: object, path: str) -> tuple[object, ...]:
    if value is None:
        return ()
    single = Mapping if inner.kind is ShapeKind.MODEL else str if inner.kind is ShapeKind.SCALAR else ()
    if isinstance(value, single):
        # Some tables of the vendor show one object where names and samples show a list.
        value = (value,)
    if not isinstance(value, list | tuple):
        raise StructureError("expected an array", path=path)
    return tuple(
        _careful(inner, item, f"{path}[{index}]")
        for index, item in enumerate(value)
        if item is not None or _accepts_null(inner)
    )


def _accepts_null(inner: Shape) -> bool:
    """Return whether a list keeps an element that is null; otherwise it is skipped."""
    return inner.optional or inner.kind in (ShapeKind.LIST, ShapeKind.MAP)


def _careful_map(inner: Shape, value: object, path: str) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise StructureError("expected an object", path=path)
    return {key: _careful(inner, item, _join(path, key)) for key, item in value.items()}


def _careful_model(cls: type[Model], value: object, path: str) -> Model:
    if not isinstance(value, Mapping):
        raise StructureError("expected an object", path=path)
    values = {field.attribute: _careful_field(field, value, path) for field in fields_of(cls)}
    try:
        made = cls(**{name.lstrip("_"): item for name, item in values.items()})
    except RecursionError:
        raise
    except Exception as error:  # noqa: BLE001 - a validator of a user's class
        raise StructureError(f"does not fit {cls.__name__} ({type(error).__name__})", path=path) from None
    object.__setattr__(made, "_raw", value)
    return made


def _careful_field(field: FieldShape, members: Mapping[str, object], path: str) -> object:
    given = (name for name in field.names if not _is_empty(field.shape, members.get(name)))
    name = next(given, field.names[0])
    value = members.get(name)
    here = _join(path, name)
    if value is None:
        present = any(name in members for name in field.names)
        if field.required and not (present and (field.shape.optional or field.shape.target in (tuple, dict))):
            raise StructureError("null" if present else "missing", path=here)
        if not field.required:
            return field.fallback()
    elif not field.required and _is_empty(field.shape, value):
        return field.fallback()
    if name not in field.loose or (field.shape.inner is None and isinstance(value, Mapping | list)):
        return _careful(field.shape, value, here)
    try:
        return _careful(field.shape, value, here)
    except StructureError:
        return field.fallback()


def _is_empty(shape: Shape, value: object) -> bool:
    """Return whether the value is null, or an empty string in place of a number, time, list or object."""
    if value != "":
        return value is None
    return shape.kind is not ShapeKind.PLAIN and not (
        isinstance(shape.target, type) and issubclass(shape.target, str)
    )


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name

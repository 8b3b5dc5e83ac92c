"""The base class of everything that is sent or received, and the decorator that declares one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar, cast, dataclass_transform

import attrs

from returnhelper.errors import ConfigurationError

if TYPE_CHECKING:
    from returnhelper.types import JSONObject, RawResponse

T = TypeVar("T")

_NAMES = "returnhelper.wire"
_LOOSE = "returnhelper.loose"


class Model:
    """A frozen value that was received or is to be sent. Declare one with `@model`."""

    # The slot for weak references is here and not in each subclass, where it would make the layout of a class differ
    # from that of its mutable twin (see compile.py).
    __slots__ = ("__weakref__", "_extra", "_raw", "_response")

    if TYPE_CHECKING:
        _extra: JSONObject
        _raw: JSONObject | None
        _response: RawResponse | None

    @property
    def raw(self) -> JSONObject | None:
        """The decoded mapping that the object was read from; None for an object that the program made or changed."""
        try:
            return self._raw
        except AttributeError:
            return None

    @property
    def extra(self) -> JSONObject:
        """The received members that no field names."""
        raw = self.raw
        if raw is None:
            return getattr(self, "_extra", {})
        known = _known_members(type(self))
        return {name: value for name, value in raw.items() if name not in known}

    @property
    def response(self) -> RawResponse | None:
        """The server's response, on the object that a call returned."""
        try:
            return self._response
        except AttributeError:
            return None

    @property
    def correlation_id(self) -> str | None:
        """The server's trace id of the call that returned this object; quote it to support."""
        response = self.response
        return response.correlation_id if response is not None else None

    def replace(self, **changes: object) -> Self:
        """Return a copy with other values for some fields; the others, `extra` and `response` stay.

        `attrs.evolve` would lose `extra`, and mypy does not accept it for models. Raises `ConfigurationError` for a name
        that is no field.
        """
        names = wire_names(type(self))
        for name in changes:
            if name not in names:
                from difflib import get_close_matches  # rarely needed

                nearest = get_close_matches(name, names, 1)
                hint = f": did you mean {nearest[0]}?" if nearest else ""
                raise ConfigurationError(f"{type(self).__name__} has no field {name}{hint}")
        values: dict[str, Any] = {name: getattr(self, name) for name in names} | changes
        made = type(self)(**values)
        object.__setattr__(made, "_extra", self.extra)
        object.__setattr__(made, "_response", self.response)
        return made

    __replace__ = replace  # `copy.replace` of Python 3.13

    def __repr__(self) -> str:
        """Show the fields that are set; entities have dozens that are None."""
        shown = (
            f"{field.name}={getattr(self, field.name)!r}"
            for field in attributes(type(self))
            if field.repr and getattr(self, field.name) not in (None, ())
        )
        return f"{type(self).__name__}({', '.join(shown)})"

    def __getstate__(self) -> dict[str, Any]:
        names = [*(field.name for field in attributes(type(self))), "_extra", "_raw", "_response"]
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)


def wire(
    name: str | None = None,
    *aliases: str,
    default: Any = None,
    repr: bool = True,  # noqa: A002 - named as in attrs.field
    loose: bool | str = False,
) -> Any:
    """Name a field's wire member where the camelCase rule does not; further accepted names may follow.

    `repr=False` keeps a private value out of logs. `loose=True` is for a member whose form is not documented: a value
    that does not fit gives the default and stays in `raw`, and the object around it is read. `loose="name"` applies to
    that one name only. An object or list in place of a string or number is refused even so.

    Write `default=None` where users construct the class: type checkers see only a default that is passed.
    """
    return attrs.field(default=default, repr=repr, metadata={_NAMES: (name, *aliases), _LOOSE: loose})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(wire,))
def model(cls: type[T]) -> type[T]:
    """Make a `Model` subclass a frozen, slotted, keyword-only attrs class."""
    made = attrs.define(cls, frozen=True, slots=True, kw_only=True, repr=False, getstate_setstate=False)
    if "__replace__" in vars(made):  # attrs' own, from Python 3.13 on
        del made.__replace__  # type: ignore[attr-defined]
    return made


def camel(name: str) -> str:
    """Return the wire name of a field: `label_url` is `labelUrl`, digits stay where they are."""
    first, *rest = name.strip("_").split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


_wire_names: dict[type, dict[str, tuple[str, ...]]] = {}
_known: dict[type, frozenset[str]] = {}


def wire_names(cls: type) -> dict[str, tuple[str, ...]]:
    """Map each field of a model to its wire name, followed by the other accepted names."""
    names = _wire_names.get(cls)
    if names is None:
        names = {}
        for field in attributes(cls):
            first, *others = field.metadata.get(_NAMES, (None,))
            names[field.name] = (first or camel(field.name), *others)
        _wire_names[cls] = names
    return names


def loose_names(field: attrs.Attribute[Any], names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names whose value is ignored if it does not fit, instead of refusing the object around it."""
    loose = field.metadata.get(_LOOSE)
    return (loose,) if isinstance(loose, str) else names if loose else ()


def _known_members(cls: type) -> frozenset[str]:
    known = _known.get(cls)
    if known is None:
        known = _known[cls] = frozenset(name for names in wire_names(cls).values() for name in names)
    return known


def attributes(cls: type) -> tuple[attrs.Attribute[Any], ...]:
    """Return the attrs fields of a model; `attrs.fields` is typed for classes of attrs' own decorators only."""
    return cast("tuple[attrs.Attribute[Any], ...]", attrs.fields(cls))

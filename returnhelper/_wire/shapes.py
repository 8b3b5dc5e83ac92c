"""Annotations as data, read once per class, for the fast and the careful reader."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, auto
from functools import partial
from typing import Any, Union, get_args, get_origin
from uuid import UUID

import attrs

from returnhelper._wire import scalars
from returnhelper._wire.model import Model, attributes, loose_names, wire_names
from returnhelper.types import OpenStrEnum


class ShapeKind(Enum):
    """How a value is read."""

    PLAIN = auto()
    SCALAR = auto()
    TIME = auto()
    CODE = auto()
    MODEL = auto()
    LIST = auto()
    MAP = auto()
    OTHER = auto()


@attrs.frozen
class Shape:
    """One annotation. `target` is the class of the result, `convert` makes one from a plain value."""

    kind: ShapeKind
    target: Any = None
    convert: Callable[[object], object] | None = None
    inner: Shape | None = None
    optional: bool = False


@attrs.frozen
class FieldShape:
    """One field of a model."""

    attribute: str
    names: tuple[str, ...]
    shape: Shape
    default: Any
    loose: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        """Whether the member must be present."""
        return self.default is attrs.NOTHING

    def fallback(self) -> object:
        """Return the value of a member that is absent."""
        return self.default.factory() if isinstance(self.default, attrs.Factory) else self.default  # type: ignore[arg-type]


_SCALARS: dict[object, Callable[[object], object]] = {
    int: scalars.to_int,
    str: scalars.to_str,
    bool: scalars.to_bool,
    Decimal: scalars.to_decimal,
    UUID: scalars.to_uuid,
    date: scalars.to_date,
}


_fields: dict[type, tuple[FieldShape, ...]] = {}


def fields_of(cls: type[Model]) -> tuple[FieldShape, ...]:
    """Return the fields of a model with their shapes; forward references are resolved in the model's module."""
    fields = _fields.get(cls)
    if fields is None:
        hints = typing.get_type_hints(cls)
        names = wire_names(cls)
        fields = _fields[cls] = tuple(
            FieldShape(
                field.name,
                names[field.name],
                shape_of(hints[field.name]),
                field.default,
                loose_names(field, names[field.name]),
            )
            for field in attributes(cls)
        )
    return fields


def shape_of(annotation: Any) -> Shape:
    """Return the shape of an annotation."""
    if annotation is object or annotation is Any:
        return Shape(ShapeKind.PLAIN, optional=True)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        members = [member for member in arguments if member is not type(None)]
        if len(members) == 2 and str in members:
            # `Vas | str` lets callers pass a plain string; reading gives the code
            members = [m for m in members if isinstance(m, type) and issubclass(m, OpenStrEnum)] or members
        if len(members) == 1:
            return attrs.evolve(shape_of(members[0]), optional=type(None) in arguments)
    if origin in (tuple, list, Sequence) and (origin is not tuple or arguments[1:] == (...,)):
        return Shape(ShapeKind.LIST, tuple, inner=shape_of(arguments[0]))
    if origin in (dict, Mapping):
        return Shape(ShapeKind.MAP, dict, inner=shape_of(arguments[1]))
    return _leaf(annotation)


def _leaf(annotation: Any) -> Shape:
    if annotation in _SCALARS:
        return Shape(ShapeKind.SCALAR, annotation, _SCALARS[annotation])
    if annotation is datetime:
        return Shape(ShapeKind.TIME, datetime, scalars.to_datetime)
    if isinstance(annotation, type):
        if issubclass(annotation, Model):
            return Shape(ShapeKind.MODEL, annotation)
        if issubclass(annotation, OpenStrEnum):
            return Shape(ShapeKind.CODE, annotation, partial(_to_enum, annotation))
        if issubclass(annotation, str):
            return Shape(ShapeKind.SCALAR, annotation, partial(_to_text, annotation))
    return Shape(ShapeKind.OTHER, annotation)


def _to_enum(cls: type[OpenStrEnum], value: object) -> OpenStrEnum:
    return cls(scalars.to_code(value))


def _to_text(cls: type[str], value: object) -> str:
    return cls(scalars.to_str(value))

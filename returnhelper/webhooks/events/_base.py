"""What all events have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

from returnhelper._wire import Model, StructureError, encode, model, structure, unstructure
from returnhelper.errors import PayloadInvalid
from returnhelper.types import JSONObject, JSONValue
from returnhelper.webhooks.envelope import dedup_key, notification_id, ordering_key

PayloadAdapter: TypeAlias = Callable[[JSONValue], JSONValue]
"""Converts the second documented form of a member to the usual one, and returns any other value unchanged."""


class _Received(Model):
    """Keep the body of the delivery: an event without `notificationId` is deduplicated by its digest."""

    __slots__ = ("_body",)

    if TYPE_CHECKING:
        _body: bytes | None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_body": getattr(self, "_body", None)}


@model
class Event(_Received):
    """One notification: what happened is in `action`, `category` and `version`; the payload is beside them.

    `raw` is the decoded body, `extra` the members that no field names. `event_time` is when it happened: deliveries
    arrive in any order, and at least once.
    """

    action: str = ""
    category: str | None = None
    version: str | None = None
    event_time: datetime | None = None
    notification_id: str | None = None

    # Wire member -> adapter for its second documented form, applied when the usual form does not fit.
    _adapters: ClassVar[Mapping[str, PayloadAdapter]] = {}

    @classmethod
    def from_decoded(cls, decoded: JSONObject, body: bytes | None = None) -> Self:
        """Build an event of this class; `body` is what `dedup_key` digests. Raise `PayloadInvalid` if it does not fit."""
        try:
            event = structure(decoded, cls)
        except StructureError as error:
            event = cls._from_second_form(decoded, error)
        set_body(event, body)
        return event

    @classmethod
    def _from_second_form(cls, decoded: JSONObject, error: StructureError) -> Self:
        adapted = dict(decoded)
        for name, adapt in cls._adapters.items():
            if adapted.get(name) is not None:
                adapted[name] = adapt(adapted[name])
        try:
            if adapted != decoded:
                event = structure(adapted, cls)
                _set_raw(event, decoded)
                return event
        except StructureError as second:
            error = second
        raise PayloadInvalid(
            f"the payload does not fit {cls.__name__}: {error}; keep it, it can be handled after an upgrade",
            path=error.path,
        ) from None

    @property
    def dedup_key(self) -> str:
        """The key that two deliveries of one event share: `notificationId`, else a digest of the body."""
        # read from the wire, as the inbox does, so that both have the same key whatever form the id came in
        given = notification_id({"notificationId": self.notification_id} if self.raw is None else self.raw)
        body = getattr(self, "_body", None)
        if body is None:
            body = b"" if given else encode(self)
        return dedup_key(given, body)

    @property
    def ordering_key(self) -> str | None:
        """The key that events share which must be handled in order, such as `shipment:123`."""
        return ordering_key(unstructure(self) if self.raw is None else self.raw)


set_body: Callable[[Event, bytes | None], None] = _Received.__dict__["_body"].__set__
_set_raw: Callable[[Event, JSONObject], None] = Model.__dict__["_raw"].__set__


@model
class OpenEvent(Event):
    """An event whose payload is not documented; `payload` contains whatever came."""

    @property
    def payload(self) -> JSONObject:
        """Every member beside the envelope, as decoded."""
        return self.extra


@model
class UnknownEvent(OpenEvent):
    """An event that this release has no class for: new, withdrawn, or of an account with special services."""


def unwrap_single(value: JSONValue) -> JSONValue:
    """Take the only element out of a list; a longer list does not fit, since acting on the first would lose the rest."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def wrap_in_list(value: JSONValue) -> JSONValue:
    """Put a single object into a list."""
    return [value] if isinstance(value, Mapping) else value


def pairs_to_custom_fields(value: JSONValue) -> JSONValue:
    """Convert the custom fields inside an object from a list of pairs to a mapping (inferred)."""
    if not isinstance(value, Mapping):
        return value
    pairs = value.get("customFieldMap")
    if not isinstance(pairs, list):
        return value
    fields: dict[str, JSONValue] = {}
    for pair in pairs:
        if isinstance(pair, Mapping) and isinstance(key := pair.get("key"), str):
            fields[key] = pair.get("value")
        else:
            return value
    return {**value, "customFieldMap": fields}

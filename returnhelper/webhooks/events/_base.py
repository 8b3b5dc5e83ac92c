"""What every event has in common, and which class an event gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, cast

from returnhelper._lazy import load
from returnhelper._wire import Model, NotJSON, StructureError, decode, encode, model, structure, unstructure
from returnhelper.errors import PayloadInvalid
from returnhelper.types import JSONObject, JSONValue

PayloadAdapter: TypeAlias = Callable[[JSONValue], JSONValue]
"""Turns the other documented form of a member into the usual one, and leaves everything else alone."""


class _Received(Model):
    """Remember the bytes of a delivery: the only key of an event that has no `notificationId`."""

    __slots__ = ("_body",)

    if TYPE_CHECKING:
        _body: bytes | None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_body": getattr(self, "_body", None)}


@model
class Event(_Received):
    """One notification: what happened, told by `action`, `category` and `version`, with its payload beside them.

    `raw` is the decoded body, `extra` the members that no field names. `event_time` is when it happened; deliveries
    come in any order and sometimes twice.
    """

    action: str = ""
    category: str | None = None
    version: str | None = None
    event_time: datetime | None = None
    notification_id: str | None = None

    # Wire member -> how to read the other form of it that the catalog documents; tried when the usual form is not met.
    _other_forms: ClassVar[Mapping[str, PayloadAdapter]] = {}

    @property
    def dedup_key(self) -> str:
        """What two deliveries of one event have in common: `notificationId`, else a digest of the body."""
        from returnhelper.webhooks.envelope import dedup_key, notification_id

        # read where the inbox reads it, so that both have the same key whatever form it came in
        given = notification_id({"notificationId": self.notification_id} if self.raw is None else self.raw)
        body = getattr(self, "_body", None)
        if body is None:
            body = b"" if given else encode(self)
        return dedup_key(given, body)

    @property
    def ordering_key(self) -> str | None:
        """What ties events together that must be handled one after the other, such as `shipment:123`."""
        from returnhelper.webhooks.envelope import ordering_key

        return ordering_key(unstructure(self) if self.raw is None else self.raw)


@model
class OpenEvent(Event):
    """An event whose payload nobody has documented; `payload` holds whatever came."""

    @property
    def payload(self) -> JSONObject:
        """Every member beside the envelope, as decoded."""
        return self.extra


@model
class UnknownEvent(OpenEvent):
    """An event that this release has no class for: new, withdrawn, or of an account with special services."""


# Family -> classes. The name of a class is its action with a capital; importing a family compiles its classes, so
# each is imported when the first of its events is met or named.
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "labels": ("LabelGenerated", "BuyerReturnLabelGenerated"),
    "shipments": ("MarkShipmentArrive", "MarkShipmentArriveV1", "AssignUnknown"),
    "inventories": (
        "NewInventoryCreated",
        "ChangeLineItemImage",
        "CompleteInventoryHandling",
        "CancelInventoryHandling",
        "CompleteRecalibrate",
        "NotifyUserRmaSwapped",
        "UpdateReturnInventoryMeta",
        "WarehouseUpdateWarehouseRemarks",
        "UserUpdateReturnInventorySku",
    ),
    "vas": ("VasUpdated", "SplitLineItem"),
    "resends": ("UpdateResendStatus", "UpdateResendTrackingNumber", "ForceCancelResend"),
    "recalls": ("RecallUpdateStatus", "RecallShipmentDispatched", "RecallDelivered"),
    "consolidations": (
        "ConsolidateShippingOrderShippingFeeUpdated",
        "ConsolidateShippingOrderInventoryAllPacked",
        "ConsolidateShippingShipmentSent",
        "ConsolidateShippingShipmentShipped",
        "ConsolidateShippingOrderCompleted",
        "ConsolidateShippingOrderCancelled",
    ),
    "fba": (
        "MarkFbaShipmentArrived",
        "FbaShipmentPutaway",
        "CompleteFbaInstructionDispose",
        "CompleteFbaInstructionOthers",
        "CompleteFbaInstructionRecall",
        "FbaInstructionReplenishComplete",
    ),
}
FAMILY_OF: Mapping[str, str] = {name: family for family, names in FAMILIES.items() for name in names}

# Objects that occur in events only, for annotations: `events.CreatedInventory`.
PAYLOADS: Mapping[str, tuple[str, ...]] = {
    "labels": ("BuyerReturn", "BuyerReturnLineItem"),
    "shipments": ("LineItemImages",),
    "inventories": ("CreatedInventory", "Recalibration", "RmaSwap"),
    "vas": ("LineItemSupplement", "SplitPiece"),
}

# What the sender prints in the envelope, where the category is not the action itself or there is a version.
_CATEGORIES: Mapping[str, str] = {
    "assignUnknown": "rsl",
    "buyerReturnLabelGenerated": "buyerReturnRrLabel",
    "cancelInventoryHandling": "rinv",
    "changeLineItemImage": "rrli",
    "completeInventoryHandling": "rinv",
    "forceCancelResend": "resend",
    "markShipmentArrive": "rsl",
    "recallUpdateStatus": "recall",
    "splitLineItem": "lineItemVasReturnInventoryLineItem",
    "updateResendStatus": "resend",
    "updateResendTrackingNumber": "resend",
    "vasUpdated": "rrliv",
}
_VERSIONS: Mapping[str, str] = {
    "buyerReturnLabelGenerated": "202408",
    "consolidateShippingOrderCancelled": "202410",
    "consolidateShippingOrderCompleted": "202408",
    "consolidateShippingOrderInventoryAllPacked": "202410",
    "consolidateShippingOrderShippingFeeUpdated": "202409",
    "consolidateShippingShipmentSent": "202207",
    "consolidateShippingShipmentShipped": "202408",
    "markShipmentArrive": "202407",
    "newInventoryCreated": "202207",
}

_ARRIVAL = "markShipmentArrive"
_loaded: dict[str, type[Event]] = {}


def event_class(
    action: str | None, category: str | None = None, version: str | int | None = None
) -> type[Event]:
    """Return the class of an event; `UnknownEvent` for an action without one.

    The action decides. Only `markShipmentArrive` has two shapes, told apart by the presence of a version. A category or
    version that is new does not make a known action unknown: the vendor's tables of them are incomplete.
    """
    del category
    if not isinstance(action, str):
        return UnknownEvent
    name = action
    if action == _ARRIVAL and version in (None, ""):
        name = "markShipmentArriveV1"
    elif action == "markShipmentArriveV1":
        return UnknownEvent
    found = _loaded.get(name)
    if found is None:
        found = _find(name)
    return found


def usual_envelope(action: str) -> dict[str, str]:
    """Return the category of an action, and its version if it has one, as the sender prints them today."""
    category = {"category": _CATEGORIES.get(action, action)}
    return {**category, "version": _VERSIONS[action]} if action in _VERSIONS else category


def _find(name: str) -> type[Event]:
    class_name = name[:1].upper() + name[1:]
    if name == class_name or class_name not in FAMILY_OF:
        return UnknownEvent
    found = _loaded[name] = cast(
        "type[Event]", load(f".{FAMILY_OF[class_name]}", class_name, package=__package__)
    )
    return found


def parse_event(body: bytes) -> Event:
    """Read a delivery that has been verified into the class of its event.

    Raise `PayloadInvalid`, whose `path` names the member (`label.labelUrl`), when the body does not fit that class or
    is not a JSON object. Unknown actions, members and codes are no error.
    """
    try:
        decoded = decode(body)
    except NotJSON as error:
        raise PayloadInvalid(f"the body of the delivery is {error}; keep it and look at it") from None
    return build_event(decoded, body)


def build_event(decoded: JSONValue, body: bytes | None = None) -> Event:
    """Build the event of a decoded body; `body` is what its `dedup_key` falls back on. Raise `PayloadInvalid`."""
    if type(decoded) is not dict:
        if not isinstance(decoded, Mapping):
            raise PayloadInvalid("the body of the delivery is JSON but no object; keep it and look at it")
        decoded = dict(decoded)
    cls = event_class(decoded.get("action"), None, decoded.get("version"))  # type: ignore[arg-type]
    try:
        event = structure(decoded, cls)
    except StructureError as misfit:
        event = _other_form(decoded, cls, misfit)
    _set_body(event, body)
    return event


_set_body: Callable[[Event, bytes | None], None] = _Received.__dict__["_body"].__set__
_set_raw: Callable[[Event, JSONObject], None] = Model.__dict__["_raw"].__set__


def _other_form(decoded: JSONObject, cls: type[Event], misfit: StructureError) -> Event:
    """Read again with the second documented form of some members; `raw` stays what came."""
    changed = dict(decoded)
    for name, form in cls._other_forms.items():
        if changed.get(name) is not None:
            changed[name] = form(changed[name])
    try:
        if changed != decoded:
            event = structure(changed, cls)
            _set_raw(event, decoded)
            return event
    except StructureError as second:
        misfit = second
    raise PayloadInvalid(
        f"the payload does not fit {cls.__name__}: {misfit}; keep it, it can be replayed after an upgrade",
        path=misfit.path,
    ) from None


def alone(value: JSONValue) -> JSONValue:
    """Take the one element out of a list; more than one stay a misfit, since acting on the first would lose some."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def listed(value: JSONValue) -> JSONValue:
    """Put an object that stands alone into a list."""
    return [value] if isinstance(value, Mapping) else value


def with_pairs(value: JSONValue) -> JSONValue:
    """Read the custom fields inside an object, where they are a list of pairs, as a mapping (inferred)."""
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

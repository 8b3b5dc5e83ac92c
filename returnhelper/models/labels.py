"""Labels: the result of a label request, in responses and in webhooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from returnhelper._wire import Model, NotJSON, decode, model, wire
from returnhelper.models.codes import LabelRequestStatus, ReturnService
from returnhelper.types import JSONValue

_MAX_DEPTH = 8


@model
class LabelOutcome(Model):
    """The outcome of one label request; common to the entity and to the webhook.

    Match labels by ``shipment_id``: a label that is made again gets a new ``label_id``.
    ``error`` is the carrier's text and may itself be JSON, encoded once or twice. The QR code is for USPS only.
    """

    shipment_id: int
    label_id: int | None = None
    api_id: int | None = None
    ref_key: str | None = None
    label_request_id: int | None = wire(loose=True)  # a number or text, of a kind that no source explains
    label_request_status_code: LabelRequestStatus | None = None
    service_type: ReturnService | None = None
    tracking_number: str | None = None
    label_url: str | None = None
    error: str | None = None
    qrcode_url: str | None = None
    qrcode_error: str | None = None
    reference_number: str | None = None
    cancel_cutoff_time: datetime | None = None
    regions: Mapping[str, str | None] | None = None
    fail_reasons: JSONValue = None
    error_messages: JSONValue = None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every text that explains a failure: `error`, unwrapped where it is JSON, `fail_reasons`, `error_messages`."""
        given = (self.error, self.fail_reasons, self.error_messages)
        return tuple(dict.fromkeys(text for part in given for text in _texts(part)))


def _texts(value: JSONValue, depth: int = 0) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, str):
        text = value.strip()
        try:
            inner = decode(text.encode()) if text[:1] in {"{", "[", '"'} and depth < _MAX_DEPTH else None
        except (NotJSON, UnicodeEncodeError):
            inner = None
        if inner is not None:
            yield from _texts(inner, depth + 1)
        elif text:
            yield text
    elif isinstance(value, Sequence):
        for item in value if depth < _MAX_DEPTH else ():
            yield from _texts(item, depth + 1)
    elif value is not None:
        yield str(value)


@model
class LabelResult(LabelOutcome):
    """The outcome in the webhook of a label; slim, since it is the most frequent of all."""

    correlation_id: str | None = None  # pyright: ignore[reportIncompatibleMethodOverride]
    meta: JSONValue = None


@model
class Label(LabelOutcome):
    """One label request and its outcome, with the addresses on the label."""

    label_id: int  # pyright: ignore[reportGeneralTypeIssues] - models take keywords only
    carrier: str | None = None
    create_on: datetime | None = None
    create_by: str | None = None
    create_on_str: str | None = None
    modify_on: datetime | None = None
    modify_by: str | None = None
    modify_on_str: str | None = None

    from_country_code: str | None = None
    from_name: str | None = None
    from_company: str | None = None
    from_phone: str | None = None
    from_fax: str | None = None
    from_email: str | None = wire("fromEmail", "fromEamil")
    from_street1: str | None = None
    from_street2: str | None = None
    from_street3: str | None = None
    from_state: str | None = None
    from_city: str | None = None
    from_postal_code: str | None = None

    to_country_code: str | None = None
    to_name: str | None = None
    to_company: str | None = None
    to_phone: str | None = None
    to_fax: str | None = None
    to_email: str | None = wire("toEmail", "toEamil")
    to_street1: str | None = None
    to_street2: str | None = None
    to_street3: str | None = None
    to_state: str | None = None
    to_city: str | None = None
    to_postal_code: str | None = None


@model
class BuyerReturnLabelFile(Model):
    """File of the label of a buyer's return."""

    label_url: str | None = None
    label_key: str | None = None

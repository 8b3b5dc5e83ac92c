from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from returnhelper.inbox import MemoryInbox
from returnhelper.testing import ENDPOINT, sign_delivery
from returnhelper.webhooks import Outcome, OutcomeKind, Receiver, Verifier
from tests.fuzz.targets import STATUS

names = st.sampled_from(["returnhelper-signature", "Signature", "TIMESTAMP", "timestamp", "x"]) | st.text()
values = st.text() | st.binary() | st.none() | st.integers() | st.lists(st.text(), max_size=2)
headers = (
    st.dictionaries(names, values)
    | st.lists(st.tuples(names, values))
    | st.lists(st.tuples(st.binary(), st.binary()))
    | st.none()
    | st.lists(st.integers())
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["action", "category", "version", "eventTime", "notificationId", "label", "shipmentId"]
            )
            | st.text(),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)
bodies = (
    st.binary()
    | st.text().map(str.encode)
    | json_values.map(lambda value: repr(value).encode("utf-8", "replace"))
)


def outcome_of(given_headers, body):
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox(), max_body=10_000)
    outcome = asyncio.run(receiver.receive(given_headers, body))
    assert isinstance(outcome, Outcome)
    assert outcome.status == STATUS[outcome.kind]
    return outcome


@settings(deadline=None)
@given(headers, bodies)
def test_unauthentic(given_headers, body):
    """A delivery without a signature is refused, or treated as the trial of a registration."""
    assert outcome_of(given_headers, body).kind in (OutcomeKind.REFUSED, OutcomeKind.TRIAL)


@settings(deadline=None)
@given(bodies, st.dictionaries(st.text(), values))
def test_authentic(body, others):
    """A signed delivery gets 200, whatever its body and its other headers."""
    outcome = outcome_of({**others, **sign_delivery(body)}, body)
    assert outcome.kind in (OutcomeKind.NEW, OutcomeKind.HELD)


@settings(deadline=None)
@given(json_values)
def test_authentic_json(value):
    """Any signed JSON value gets 200."""
    import json

    body = json.dumps(value).encode()
    assert outcome_of(sign_delivery(body), body).kind in (OutcomeKind.NEW, OutcomeKind.HELD)

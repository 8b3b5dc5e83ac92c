"""CPU of one delivery, beside other webhook libraries: ratios to the least that any receiver must do.

The floor is HMAC-SHA256 over the same bytes, Base64 and one JSON decoding with orjson. All candidates take turns in
one process (A B C, A B C, …) on deliveries that none of them has seen; the figure is the median of the paired ratios,
with its quartiles. Needs the `bench` extra.

- typed: verify, read exactly, deduplicate in memory, build the typed event, dispatch it to a handler;
- acknowledge: `Receiver` over a `MemoryInbox`, as a web service runs it before it responds;
- duplicate: the same for a delivery that came before;
- the others as their documentation says; each is given signatures of its own scheme, and none builds typed objects
  of this payload, `stripe` its own generic one.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import gidgethub.routing
import gidgethub.sansio
import orjson
import standardwebhooks
import stripe

from benchmarks.figures import cell
from returnhelper._wire import decode
from returnhelper.inbox.memory import MemoryInbox
from returnhelper.webhooks import Endpoint, Receiver, Router, Verifier, events, sign
from returnhelper.webhooks.envelope import dedup_key
from returnhelper.webhooks.events import build_event

NOW = datetime(2030, 5, 6, 7, 8, 9, tzinfo=UTC)
URL = "https://shop.example/hooks/rh"
KEY = b"0123456789abcdef0123456789abcdef"
STAMP = "2030-05-06T07:08:09.1234567Z"
SIZES = {"small": 608, "large": 4163}
BATCH = 50

Run = Callable[[int, int], Coroutine[Any, Any, None]]


def small(number: int) -> bytes:
    """Return a labelGenerated of 608 bytes."""
    label = {
        "correlationId": "0HM9VIKSKH2CB:00000001",
        "meta": None,
        "labelId": 40117,
        "referenceNumber": "88120",
        "shipmentId": 25714 + number,
        "apiId": 1042,
        "refKey": "b7d0c2",
        "labelRequestStatusCode": "success",
        "serviceType": "usps",
        "trackingNumber": "9202090153540000000014",
        "labelUrl": "https://files.shop.example/labels/40117.pdf",
        "error": None,
        "qrcodeUrl": "https://files.shop.example/labels/40117.png",
        "qrcodeError": None,
    }
    head = {"label": label, "category": "labelGenerated", "action": "labelGenerated", "eventTime": STAMP}
    return padded({**head, "notificationId": f"n{number:011d}"}, SIZES["small"])


def large(number: int) -> bytes:
    """Return a newInventoryCreated of 4,163 bytes: nested lists, decimals, times of 7 digits, ids as text."""
    inventory = {
        "returnInventoryId": "19078",
        "warehouseId": 2,
        "apiId": 1042,
        "description": "Wireless headphones, blau",
        "quantity": 1,
        "dimension1": 24.5,
        "dimension2": 18.25,
        "dimension3": 9.75,
        "dimensionUom": "cm",
        "weight": 512.125,
        "weightUom": "g",
        "valueCurrencyCode": "usd",
        "value": 79.9,
        "handlingCode": "tbc",
        "handlingStatusCode": "pending",
        "completeOn": None,
        "warehouseRemarks": None,
        **dict.fromkeys(("handlingUpdatedOn", "modifyOn", "createOn"), STAMP),
        "sku": None,
        "rma": "NJ-2-240802-S00124-11",
        "imageList": [
            {"imageUrl": f"https://files.shop.example/img/{n}.jpg", "imageKey": f"img/{n}.jpg"}
            for n in range(18)
        ],
        "returnInventoryMetaList": [
            {"returnInventoryId": 19078, "metaType": "whs", "metaMap": {"EAN": f"40063813339{n}"}}
            for n in range(15)
        ],
    }
    shipment = {
        "shipmentId": str(25714 + number),
        "returnRequestId": "27733",
        "trackingNumber": "9202090153540000000014",
        "referenceNumber": "88120",
        "serviceType": "usps",
        "customFieldMap": {"channel": "web", "shelf": "A 4"},
        "shipToWarehouseId": 2,
        "receiveDate": STAMP,
    }
    names = {"category": "newInventoryCreated", "action": "newInventoryCreated", "version": "202207"}
    event = {"returnInventory": inventory, "shipment": shipment, **names, "eventTime": STAMP}
    return padded({**event, "notificationId": f"n{number:011d}"}, SIZES["large"])


def padded(event: dict[str, Any], size: int) -> bytes:
    """Print the event with a member that no class knows, which fills it up to `size` bytes."""
    body = json.dumps({**event, "sequence": ""}, separators=(",", ":")).encode()
    assert len(body) <= size, len(body)
    return body.replace(b'"sequence":""', b'"sequence":"' + b"x" * (size - len(body)) + b'"')


async def handler(event: object) -> None:
    """Stand for the work of the user."""


class Candidates:
    """Everything that is measured, over one list of deliveries that are made and signed beforehand."""

    def __init__(self, make: Callable[[int], bytes], kind: type[events.Event], count: int) -> None:
        self.bodies = [make(number) for number in range(count)]
        endpoint = Endpoint(URL, base64.b64encode(KEY).decode())
        self.headers = [self.signed(sign(endpoint, STAMP, body)) for body in self.bodies]
        self.verifier = Verifier(endpoint)
        self.router = Router()
        self.router.on(kind)(handler)
        self.receiver = Receiver(self.verifier, inbox=MemoryInbox(clock=lambda: NOW), clock=lambda: NOW)
        self.seen: set[str] = set()
        self.floor_prefix = b"POST" + URL.encode() + STAMP.encode()
        self.standard = standardwebhooks.Webhook(base64.b64encode(KEY).decode())
        now = datetime.now(UTC)
        self.standard_headers = [
            {"webhook-id": "m", "webhook-timestamp": str(int(now.timestamp())),
             "webhook-signature": self.standard.sign("m", now, body.decode())}
            for body in self.bodies
        ]  # fmt: skip
        self.github = gidgethub.routing.Router()
        self.github.add(self.of_github, "inventory")
        self.github_headers = [
            {"x-hub-signature-256": "sha256=" + hmac.new(b"secret", body, "sha256").hexdigest(),
             "x-github-event": "inventory", "x-github-delivery": "d", "content-type": "application/json"}
            for body in self.bodies
        ]  # fmt: skip
        stamp = int(now.timestamp())
        self.stripe_headers = [
            f"t={stamp},v1={hmac.new(b'secret', f'{stamp}.'.encode() + body, 'sha256').hexdigest()}"
            for body in self.bodies
        ]

    @staticmethod
    def signed(signature: str) -> dict[str, str]:
        """Return the headers that come with a delivery, in the case that servers hand them over."""
        return {
            "host": "shop.example",
            "content-type": "application/json; charset=utf-8",
            "content-length": "4163",
            "user-agent": "ReturnHelper",
            "returnhelper-signature": signature,
            "timestamp": STAMP,
        }

    @staticmethod
    async def of_github(event: gidgethub.sansio.Event) -> None:
        """Handle an event of gidgethub."""

    async def floor(self, start: int, stop: int) -> None:
        for number in range(start, stop):
            body = self.bodies[number]
            base64.b64encode(hmac.digest(KEY, self.floor_prefix + body, hashlib.sha256))
            orjson.loads(body)

    async def typed(self, start: int, stop: int) -> None:
        for number in range(start, stop):
            body = self.bodies[number]
            self.verifier.verify(self.headers[number], body)
            decoded = decode(body)
            key = dedup_key(decoded.get("notificationId"), body)
            if key not in self.seen:
                self.seen.add(key)
                await self.router.dispatch(build_event(decoded, body))

    async def acknowledge(self, start: int, stop: int) -> None:
        for number in range(start, stop):
            outcome = await self.receiver.receive(self.headers[number], self.bodies[number])
            assert outcome.status == 200

    duplicate = acknowledge

    async def standardwebhooks(self, start: int, stop: int) -> None:
        for number in range(start, stop):
            self.standard.verify(self.bodies[number], self.standard_headers[number])

    async def gidgethub(self, start: int, stop: int) -> None:
        for number in range(start, stop):
            event = gidgethub.sansio.Event.from_http(
                self.github_headers[number], self.bodies[number], secret="secret"
            )
            await self.github.dispatch(event)

    async def stripe(self, start: int, stop: int) -> None:
        for number in range(start, stop):
            stripe.Webhook.construct_event(
                self.bodies[number], self.stripe_headers[number], "secret", tolerance=10**6
            )


GOALS = {"typed": {"small": 1.5, "large": 1.7}, "acknowledge": {"small": 1.8, "large": 1.0}}
NAMES = ("floor", "typed", "acknowledge", "duplicate", "standardwebhooks", "gidgethub", "stripe")


async def ratios(
    make: Callable[[int], bytes], kind: type[events.Event], rounds: int
) -> dict[str, list[float]]:
    """Run all candidates in turns and return, for each, its ratio to the floor of the same round."""
    candidates = Candidates(make, kind, (rounds + 1) * BATCH)
    runs: dict[str, Callable[[int, int], Awaitable[None]]] = {
        name: getattr(candidates, name) for name in NAMES
    }
    found: dict[str, list[float]] = {name: [] for name in NAMES}
    for turn in range(rounds + 1):
        spent = {}
        for name, run in runs.items():
            before = time.process_time_ns()
            await run(turn * BATCH, (turn + 1) * BATCH)
            spent[name] = time.process_time_ns() - before
        if turn:  # the first round imports and compiles
            for name in NAMES:
                found[name].append(spent[name] / spent["floor"])
    return found


def main() -> None:
    """Print the ratios of both deliveries."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=200)
    arguments = parser.parse_args()
    print(
        f"Python {sys.version.split()[0]}, {arguments.rounds} rounds of {BATCH}; times the floor, median (quartiles)"
    )
    rows: dict[str, list[str]] = {name: [] for name in NAMES}
    for make, kind in ((small, events.LabelGenerated), (large, events.NewInventoryCreated)):
        for name, values in asyncio.run(ratios(make, kind, arguments.rounds)).items():
            goal = GOALS.get(name, {}).get(make.__name__)
            rows[name].append(cell(values, goal))
    print(f"{'':18}{'small, 608 bytes':<46}large, 4163 bytes")
    for name, cells in rows.items():
        print(f"{name:18}{cells[0]:<46}{cells[1]}")


if __name__ == "__main__":
    main()

"""Handle events in FastStream workers, fed through a Redis stream by the receiver's `forward`.

The web service acknowledges a delivery once it is in the stream; the inbox beside it remembers what went through, so
that a second delivery of an event is not forwarded again. The workers read the stream as one consumer group: start as
many as you like with

    REDIS_URL=redis://localhost:6379 faststream run examples.faststream_worker:app --factory

A stream keeps no order per shipment and has no retries with backoff: where you need them, use `returnhelper.inbox.Worker`.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from faststream import AckPolicy, FastStream
from faststream.message import StreamMessage
from faststream.redis import RedisBroker, StreamSub

from returnhelper.inbox import Inbox, Record
from returnhelper.webhooks import Receiver, Router, Verifier, parse_event

STREAM = "returnhelper-events"
GROUP = "workers"


def make_receiver(verifier: Verifier, broker: RedisBroker, inbox: Inbox) -> Receiver:
    """Return the receiver of the web service: what it acknowledges is in the stream."""

    async def forward(record: Record) -> None:
        await broker.publish(record.body, stream=STREAM, correlation_id=record.key)

    return Receiver(verifier, inbox=inbox, forward=forward)


def make_worker(broker: RedisBroker, router: Router) -> None:
    """Let the handlers of a router handle what is in the stream; a message is acknowledged after them."""
    consumer = f"{socket.gethostname()}-{os.getpid()}"

    async def undecoded(message: StreamMessage[Any]) -> bytes:
        # parse_event reads the exact bytes: amounts stay decimals
        return bytes(message.body)

    @broker.subscriber(
        stream=StreamSub(STREAM, group=GROUP, consumer=consumer, last_id=">"),
        decoder=undecoded,
        ack_policy=AckPolicy.NACK_ON_ERROR,
    )
    async def handle(body: bytes) -> None:
        await router.dispatch(parse_event(body))


def app() -> FastStream:
    """Return the application of a worker process."""
    router = Router()

    @router.on_any
    async def show(event: object) -> None:
        print(event)

    broker = RedisBroker(os.environ.get("REDIS_URL", "redis://localhost:6379"))
    make_worker(broker, router)
    return FastStream(broker)

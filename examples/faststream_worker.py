"""Handle events in FastStream workers, to which the receiver forwards them through a Redis stream.

The web service acknowledges a delivery once it is in the stream; its inbox remembers what was forwarded, so that a
duplicate is not forwarded again. The workers read the stream as one consumer group. Start as many as you like with

    REDIS_URL=redis://localhost:6379 faststream run examples.faststream_worker:app --factory

Delivery is at least once: what failed, and what a dead worker was handling, stays pending in the stream, and any worker
handles it again after `TAKE_OVER`. Handlers must be idempotent, for example by `event.dedup_key`. A stream keeps no order
per shipment and has neither backoff nor dead letters: where you need those, use `returnhelper.inbox.Worker`.
"""

from __future__ import annotations

import contextlib
import os
import socket
from datetime import timedelta
from typing import Any

from faststream import AckPolicy, FastStream
from faststream.message import StreamMessage
from faststream.redis import RedisBroker, StreamSub
from redis.exceptions import ResponseError

from returnhelper.inbox import Inbox, Record
from returnhelper.webhooks import Discard, Receiver, Router, Verifier, parse_event

STREAM = "returnhelper-events"
GROUP = "workers"
TAKE_OVER = timedelta(minutes=5)  # longer than the slowest handler, or two workers run it at once


def make_receiver(verifier: Verifier, broker: RedisBroker, inbox: Inbox) -> Receiver:
    """Return the receiver of the web service, which acknowledges what is in the stream."""

    async def forward(record: Record) -> None:
        await broker.publish(record.body, stream=STREAM, correlation_id=record.key)

    return Receiver.forwarding(verifier, forward, inbox=inbox)


def make_worker(broker: RedisBroker, router: Router, take_over: timedelta = TAKE_OVER) -> FastStream:
    """Return the worker that dispatches what is in the stream; a message is acknowledged after its handlers."""
    consumer = f"{socket.gethostname()}-{os.getpid()}"
    # One at a time: what a busy worker has prefetched would seem abandoned.
    new = StreamSub(STREAM, group=GROUP, consumer=consumer, max_records=1)
    idle = int(take_over.total_seconds() * 1000)
    abandoned = StreamSub(STREAM, group=GROUP, consumer=consumer, min_idle_time=idle)

    async def undecoded(message: StreamMessage[Any]) -> bytes:
        # parse_event needs the exact bytes: amounts stay decimals.
        return bytes(message.body)

    @broker.subscriber(stream=abandoned, decoder=undecoded, ack_policy=AckPolicy.NACK_ON_ERROR)
    @broker.subscriber(stream=new, decoder=undecoded, ack_policy=AckPolicy.NACK_ON_ERROR)
    async def handle(body: bytes) -> None:
        with contextlib.suppress(Discard):
            await router.dispatch(parse_event(body))

    app = FastStream(broker)

    @app.on_startup
    async def create_group() -> None:
        # A group that FastStream creates begins after the messages that are already there.
        with contextlib.suppress(ResponseError):  # it exists already
            await (await broker.connect()).xgroup_create(STREAM, GROUP, id="0", mkstream=True)

    return app


def app() -> FastStream:
    """Return the application of a worker process."""
    router = Router()

    @router.on_any
    async def show(event: object) -> None:
        print(event)

    return make_worker(RedisBroker(os.environ.get("REDIS_URL", "redis://localhost:6379")), router)

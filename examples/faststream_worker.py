"""Handle events in FastStream workers, fed through a Redis stream by the receiver's `forward`.

The web service acknowledges a delivery once it is in the stream; the inbox beside it remembers what went through, so
that a second delivery of an event is not forwarded again. The workers read the stream as one consumer group: start as
many as you like with

    REDIS_URL=redis://localhost:6379 faststream run examples.faststream_worker:app --factory

What failed, and what a worker that died had in hand, stays pending in the stream; any worker handles it again after
`TAKE_OVER`. So a handler may see an event twice, the first time only in part: let it look up what is done already, by
`event.dedup_key`. A stream keeps no order per shipment, has no growing waits, and holds nothing for a person: where you
need those, use `returnhelper.inbox.Worker`.
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
TAKE_OVER = timedelta(minutes=5)  # longer than the slowest handler, or two workers run it at a time


def make_receiver(verifier: Verifier, broker: RedisBroker, inbox: Inbox) -> Receiver:
    """Return the receiver of the web service: what it acknowledges is in the stream."""

    async def forward(record: Record) -> None:
        await broker.publish(record.body, stream=STREAM, correlation_id=record.key)

    return Receiver.forwarding(verifier, forward, inbox=inbox)


def make_worker(broker: RedisBroker, router: Router, take_over: timedelta = TAKE_OVER) -> FastStream:
    """Let the handlers of a router handle what is in the stream; a message is acknowledged after them."""
    consumer = f"{socket.gethostname()}-{os.getpid()}"
    # one at a time: what waits in the memory of a busy worker would look left behind
    new = StreamSub(STREAM, group=GROUP, consumer=consumer, max_records=1)
    idle = int(take_over.total_seconds() * 1000)
    left_behind = StreamSub(STREAM, group=GROUP, consumer=consumer, min_idle_time=idle)

    async def undecoded(message: StreamMessage[Any]) -> bytes:
        # parse_event reads the exact bytes: amounts stay decimals
        return bytes(message.body)

    @broker.subscriber(stream=left_behind, decoder=undecoded, ack_policy=AckPolicy.NACK_ON_ERROR)
    @broker.subscriber(stream=new, decoder=undecoded, ack_policy=AckPolicy.NACK_ON_ERROR)
    async def handle(body: bytes) -> None:
        with contextlib.suppress(Discard):
            await router.dispatch(parse_event(body))

    app = FastStream(broker)

    @app.on_startup
    async def begin_with_the_first() -> None:
        # FastStream would begin a new group with what comes after it
        with contextlib.suppress(ResponseError):  # the group is there
            await (await broker.connect()).xgroup_create(STREAM, GROUP, id="0", mkstream=True)

    return app


def app() -> FastStream:
    """Return the application of a worker process."""
    router = Router()

    @router.on_any
    async def show(event: object) -> None:
        print(event)

    return make_worker(RedisBroker(os.environ.get("REDIS_URL", "redis://localhost:6379")), router)

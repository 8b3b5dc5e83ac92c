"""A FastAPI service that receives the webhooks: `uvicorn --factory web_service_fastapi:make_app`.

Settings: WEBHOOK_URL (exactly as registered) and WEBHOOK_SIGNING_KEY. With the emulator, that is
`returnhelper emulator --webhook-url http://127.0.0.1:8000/hooks/rh`, WEBHOOK_URL is the one that it was given, and it prints
the signing key. Order a label, then open /labels/500001 here.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.routing import Route

from returnhelper.adapters.asgi import webhook_app
from returnhelper.inbox import SQLiteInbox, Worker
from returnhelper.webhooks import Endpoint, Receiver, Router, Verifier, events

router = Router()
labels: dict[int, str | None] = {}


@router.on(events.LabelGenerated)
async def label_ready(event: events.LabelGenerated) -> None:
    labels[event.label.shipment_id] = event.label.label_url


def make_app(endpoint: Endpoint | None = None, inbox_path: str = "inbox.db") -> FastAPI:
    endpoint = endpoint or Endpoint(
        url=os.environ["WEBHOOK_URL"], signing_key=os.environ["WEBHOOK_SIGNING_KEY"]
    )
    inbox = SQLiteInbox(inbox_path)
    receiver = Receiver(Verifier(endpoint), inbox=inbox)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with inbox, Worker(inbox, router), receiver:
            yield

    app = FastAPI(lifespan=lifespan)
    # A route, not a mount: a mount redirects /hooks/rh to /hooks/rh/, which the sender counts as a failure.
    app.router.routes.append(Route("/hooks/rh", webhook_app(receiver), methods=["POST"]))

    @app.get("/labels/{shipment_id}")
    async def label(shipment_id: int) -> dict[str, str | None]:
        return {"label": labels.get(shipment_id)}

    return app

"""Signed deliveries of the present moment."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from returnhelper.webhooks import Endpoint, sign
from returnhelper.webhooks.signature import SIGNATURE_HEADER

ENDPOINT = Endpoint(
    url="https://shop.example/hooks/rh", signing_key="c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0IQ=="
)


def delivery(key: str, padding: int = 0) -> tuple[dict[str, str], bytes]:
    """Return headers and body of one signed delivery."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = json.dumps(
        {
            "action": "somethingNew",
            "category": "x",
            "version": "v1",
            "notificationId": key,
            "eventTime": stamp,
            "padding": "x" * padding,
        }
    ).encode()
    return {SIGNATURE_HEADER: sign(ENDPOINT, stamp, body), "timestamp": stamp}, body

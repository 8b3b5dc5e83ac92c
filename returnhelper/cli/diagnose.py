"""`returnhelper diagnose`: say why a delivery does not verify."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rich.console import Console

_KEY = "RETURNHELPER_SIGNING_KEY"


def diagnose(body: Path, *, url: str, timestamp: str, signature: str) -> int:
    """Tell whether a delivery is authentic, and the likely cause if it is not; exit 1 for a mismatch.

    The signing key is read from RETURNHELPER_SIGNING_KEY, so that it stays out of the shell's history.

    Parameters
    ----------
    body
        File with the raw body, byte for byte.
    url
        The URL as registered with Return Helper.
    timestamp
        Value of the timestamp header.
    signature
        Value of the returnhelper-signature header.

    """
    from returnhelper.webhooks import Cause, Endpoint
    from returnhelper.webhooks import diagnose as find_cause

    console = Console(highlight=False)
    key = os.environ.get(_KEY)
    if not key:
        print(f"returnhelper: set {_KEY} to the Base64 signing key of the account", file=sys.stderr)
        return 2
    try:
        raw = body.read_bytes()
    except OSError as e:
        print(f"returnhelper: cannot read {body}: {e.strerror}", file=sys.stderr)
        return 2
    headers = {"timestamp": timestamp, "returnhelper-signature": signature}
    found = find_cause(Endpoint(url, key), headers, raw)
    good = found.cause is Cause.NONE
    console.print(f"[bold {'green' if good else 'red'}]{found.cause}[/]  {found.detail}")
    return 0 if good else 1

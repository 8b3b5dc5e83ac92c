"""`returnhelper diagnose`: find out why a delivery does not verify."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, TypeAlias

from cyclopts import Parameter
from rich.console import Console

_Several: TypeAlias = Annotated[tuple[str, ...], Parameter(negative=())]
_KEY = "RETURNHELPER_SIGNING_KEY"


def diagnose(body: Path, *, url: str, timestamp: str, signature: str, other_url: _Several = ()) -> int:
    """Report whether a delivery is authentic, and the likely cause if it is not; exit with 1 for a mismatch.

    The signing key is read from RETURNHELPER_SIGNING_KEY, so that it stays out of the shell's history.
    It may be followed by the keys of other accounts or environments, separated by blanks, to find out whether one of them was used.

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
    other_url
        Another URL that may have been registered; may be given several times.

    """
    from returnhelper.webhooks import Cause, Endpoint
    from returnhelper.webhooks import diagnose as find_cause

    key, *other_keys = os.environ.get(_KEY, "").split() or [""]
    if not key:
        print(f"returnhelper: set {_KEY} to the Base64 signing key of the account", file=sys.stderr)
        return 2
    try:
        raw = body.read_bytes()
    except OSError as e:
        print(f"returnhelper: cannot read {body}: {e.strerror}", file=sys.stderr)
        return 2
    headers = {"timestamp": timestamp, "returnhelper-signature": signature}
    found = find_cause(Endpoint(url, key), headers, raw, keys=other_keys, urls=other_url)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    if found.cause is Cause.NONE:
        console.print("authentic: the signature matches", style="bold green")
        return 0
    console.print(f"{found.cause}: {found.detail}" if found.cause is Cause.UNKNOWN else str(found))
    return 1

"""`returnhelper emulator`: run the local server until interrupted."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from shlex import quote
from typing import TYPE_CHECKING, Annotated, TypeAlias

from cyclopts import Parameter
from rich.console import Console

if TYPE_CHECKING:
    from returnhelper.emulator import Emulator

_Several: TypeAlias = Annotated[tuple[str, ...], Parameter(negative=())]


def emulator(
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    allowed_host: _Several = (),
    api_key: str = "emulator-key",
    api_token: str = "emulator-token",  # noqa: S107 - made up
    signing_key: str | None = None,
    webhook_url: str | None = None,
    duplicates: float = 0.0,
    reorder: float = 0.0,
    label_delay: float = 1.0,
    multiple_items: bool = True,
) -> int:
    """Run a stateful local Return Helper server until Ctrl-C.

    Parameters
    ----------
    host
        Address to listen on.
    port
        Port to listen on; 0 takes any free one.
    allowed_host
        Another name that clients may call the server by; may be given several times. Addresses and localhost always work.
    api_key
        The x-rr-apikey that calls must carry.
    api_token
        The x-rr-apitoken that calls must carry.
    signing_key
        Base64 key that signs the deliveries; by default a made-up one, which is printed.
    webhook_url
        Where to deliver events; by default they are only listed at /desk.
    duplicates
        Share of the events that are delivered twice, 0 to 1.
    reorder
        Maximum of the random delay of each delivery, in seconds.
    label_delay
        Seconds until a label is created.
    multiple_items
        Whether the account may order shipments of several line items.

    """
    import asyncio  # here, since `--help` would spend a quarter of its time on it

    from returnhelper.emulator import SIGNING_KEY, Emulator

    emu = Emulator(
        host=host,
        port=port,
        allowed_hosts=allowed_host,
        api_key=api_key,
        api_token=api_token,
        signing_key=signing_key or SIGNING_KEY,
        webhook_url=webhook_url,
        duplicates=duplicates,
        reorder=reorder,
        label_delay=label_delay,
        multiple_items=multiple_items,
    )
    console = Console(highlight=False, soft_wrap=True, markup=False)
    made_up = SIGNING_KEY if signing_key is None else None

    async def serve() -> None:
        stop = asyncio.Event()
        with contextlib.suppress(NotImplementedError):  # Windows
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
        async with emu:
            for line in _introduction(emu, api_key, api_token, made_up):
                console.print(line, style="bold" if line.startswith("Return Helper") else None)
            with _log_lines(console):
                await stop.wait()

    asyncio.run(serve())
    return 0


def _introduction(emu: Emulator, key: str, token: str, signing_key: str | None) -> Iterator[str]:
    yield f"Return Helper emulator at {emu.url}, process {os.getpid()}"
    yield f"  warehouse desk  {emu.url}/desk (open it in a browser)"
    yield f"  webhooks        {emu.deliveries.url or 'not delivered; pass --webhook-url'}"
    if signing_key is not None:
        yield f"  signing key     {signing_key} (made up)"
    yield "To point a client at it:"
    yield f"  export RETURNHELPER_API_KEY={quote(key)} RETURNHELPER_API_TOKEN={quote(token)}"
    yield f"  export RETURNHELPER_USER_URL={emu.environment.user_url}"
    yield f"  export RETURNHELPER_PUBLIC_URL={emu.environment.public_url}"
    yield "Calls and deliveries follow. Press Ctrl-C to stop."


class _LineHandler(logging.Handler):
    """Print each log record of the emulator as a line."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        time = datetime.fromtimestamp(record.created, UTC)
        style = "red" if record.levelno >= logging.WARNING else None
        self._console.print(f"{time:%H:%M:%S}  {record.getMessage()}", style=style)


@contextlib.contextmanager
def _log_lines(console: Console) -> Iterator[None]:
    log, lines = logging.getLogger("returnhelper.emulator"), _LineHandler(console)
    before = log.level
    log.setLevel(logging.INFO)
    log.addHandler(lines)
    try:
        yield
    finally:
        log.removeHandler(lines)
        log.setLevel(before)

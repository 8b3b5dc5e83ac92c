"""`returnhelper emulator`: run the local server until interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from shlex import quote

from rich.console import Console


def emulator(
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    api_key: str = "emulator-key",
    api_token: str = "emulator-token",  # noqa: S107 - made up
    signing_key: str | None = None,
    webhook_url: str | None = None,
    duplicates: float = 0.0,
    reorder: float = 0.0,
    label_delay: float = 1.0,
) -> int:
    """Run a stateful local Return Helper server until Ctrl-C.

    Parameters
    ----------
    host
        Address to listen on.
    port
        Port to listen on; 0 takes any free one.
    api_key
        The x-rr-apikey that calls must carry.
    api_token
        The x-rr-apitoken that calls must carry.
    signing_key
        Base64 key that signs the deliveries; without it a made-up one, which is printed.
    webhook_url
        Where to deliver events; without it they are only listed at /desk.
    duplicates
        Share of the events that are delivered twice, 0 to 1.
    reorder
        Put each delivery off by a random time of up to so many seconds.
    label_delay
        Seconds that a label takes.

    """
    from returnhelper.emulator import SIGNING_KEY, Emulator

    server = Emulator(
        host=host,
        port=port,
        api_key=api_key,
        api_token=api_token,
        signing_key=signing_key or SIGNING_KEY,
        webhook_url=webhook_url,
        duplicates=duplicates,
        reorder=reorder,
        label_delay=label_delay,
    )
    console = Console(highlight=False, soft_wrap=True, markup=False)

    async def serve() -> None:
        stop = asyncio.Event()
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
        async with server as emu:
            console.print(f"Return Helper emulator at {emu.url}, process {os.getpid()}", style="bold")
            console.print(f"  warehouse   {emu.url}/desk (open it in a browser)")
            console.print(f"  deliveries  {webhook_url or 'nowhere; give --webhook-url'}")
            if signing_key is None:
                console.print(f"  signed with {SIGNING_KEY} (made up)")
            console.print("A client finds it with:")
            console.print(
                f"  export RETURNHELPER_API_KEY={quote(api_key)} RETURNHELPER_API_TOKEN={quote(api_token)}"
            )
            console.print(f"  export RETURNHELPER_USER_URL={emu.environment.user_url}")
            console.print(f"  export RETURNHELPER_PUBLIC_URL={emu.environment.public_url}")
            console.print("Calls and deliveries follow. Ctrl-C stops it.")
            with _told(console):
                await stop.wait()

    asyncio.run(serve())
    return 0


class _Lines(logging.Handler):
    """Print what the emulator does, a line each."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        moment = datetime.fromtimestamp(record.created, UTC)
        style = "red" if record.levelno >= logging.WARNING else None
        self._console.print(f"{moment:%H:%M:%S}  {record.getMessage()}", style=style)


@contextlib.contextmanager
def _told(console: Console) -> Iterator[None]:
    log, lines = logging.getLogger("returnhelper.emulator"), _Lines(console)
    before = log.level
    log.setLevel(logging.INFO)
    log.addHandler(lines)
    try:
        yield
    finally:
        log.removeHandler(lines)
        log.setLevel(before)

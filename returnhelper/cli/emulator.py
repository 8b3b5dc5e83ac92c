"""`returnhelper emulator`: run the local server until interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

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
        Base64 key that signs the deliveries; a made-up one without.
    webhook_url
        Where to deliver events; nowhere without.
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
    console = Console(highlight=False)

    async def serve() -> None:
        stop = asyncio.Event()
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
        async with server as emu:
            console.print(f"[bold]Return Helper emulator[/] at {emu.url}  [dim]process {os.getpid()}[/]")
            console.print(f"  user API    {emu.environment.user_url}")
            console.print(f"  public API  {emu.environment.public_url}")
            console.print(f"  warehouse   {emu.url}/desk  [dim]open it in a browser[/]")
            console.print(f"  key, token  {api_key}, {api_token}")
            console.print(f"  deliveries  {webhook_url or 'none; give --webhook-url'}")
            if signing_key is None:
                console.print(f"  signed with {SIGNING_KEY}  [dim](made up)[/]", soft_wrap=True)
            console.print("Ctrl-C stops it.")
            await stop.wait()

    asyncio.run(serve())
    return 0

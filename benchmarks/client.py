"""What one call costs: CPU of this process, as a ratio to aiohttp's own `session.post` plus decoding.

A server in another process gives a constant response. The candidates take turns (A B C, A B C, …), and the median of the
paired ratios is printed, with its quartiles: one call at a time, and 64 at once.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import msgspec

from returnhelper import Acknowledgement, Environment, ReturnHelper
from returnhelper._request import Operation
from returnhelper._validation import Parameters
from returnhelper.resources._base import Resource

PATH = "/api/ReturnInventory/UpdateReturnInventoryHandling"
RESPONSE = {
    "correlationId": "0HM9VIKSKH2CB:00000001",
    "meta": {"status": 200, "data": {}, "errorCode": None, "error": {}},
}
BODY = {"returnInventoryId": 19078, "handlingCode": "ohd"}
KEY = "benchmark"
Candidate = Callable[[], Awaitable[object]]

NGINX = """
daemon off; worker_processes 1; pid {dir}/pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000000;
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  server {{ listen 127.0.0.1:{port}; default_type application/json;
    location / {{ return 200 '{response}'; }} }} }}
"""

FALLBACK = """
import sys
from aiohttp import web
async def response(request):
    await request.read()
    return web.Response(body=sys.argv[2].encode(), content_type="application/json")
app = web.Application()
app.router.add_route("*", "/{tail:.*}", response)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
"""


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Run a server with a constant response in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    response = json.dumps(RESPONSE)
    with tempfile.TemporaryDirectory() as directory:
        nginx = shutil.which("nginx")
        if nginx:
            conf = Path(directory, "nginx.conf")
            conf.write_text(NGINX.format(dir=directory, port=port, response=response), encoding="utf-8")
            command = [nginx, "-p", directory, "-c", str(conf)]
        else:
            command = [sys.executable, "-c", FALLBACK, str(port), response]
        process = subprocess.Popen(command)
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
                    break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


@contextlib.asynccontextmanager
async def candidates(url: str) -> AsyncIterator[dict[str, Candidate]]:
    """Build every candidate; those whose library is missing are left out."""
    async with contextlib.AsyncExitStack() as stack:
        found: dict[str, Candidate] = {}
        session = await stack.enter_async_context(aiohttp.ClientSession())
        target = url + PATH
        headers = {"x-rr-apikey": KEY, "x-rr-apitoken": KEY, "x-returnhelper-idempotency-key": KEY}
        encode, decode = msgspec.json.encode, msgspec.json.decode

        async def bare() -> object:
            async with session.post(
                target, data=encode(BODY), headers={**headers, "Content-Type": "application/json"}
            ) as response:
                return decode(await response.read())

        found["aiohttp, bare"] = bare
        environment = Environment.custom(user_url=url)
        rh = await stack.enter_async_context(
            ReturnHelper(api_key=KEY, api_token=KEY, environment=environment)
        )
        resource = Resource(rh._transport)  # noqa: SLF001 - a call without what its method adds
        operation = Operation(PATH[5:], "POST", PATH, params=Parameters(**dict.fromkeys(BODY, object)))
        found["returnhelper"] = lambda: resource._one(operation, Acknowledgement, None, **BODY)  # noqa: SLF001
        with contextlib.suppress(ImportError):
            import gidgethub.aiohttp

            github = gidgethub.aiohttp.GitHubAPI(session, "benchmark")
            found["gidgethub"] = lambda: github.post(target, data=BODY)
        with contextlib.suppress(ImportError):
            import httpx

            web = await stack.enter_async_context(httpx.AsyncClient())

            async def over_httpx() -> object:
                return (await web.post(target, json=BODY, headers=headers)).json()

            found["httpx"] = over_httpx
        with contextlib.suppress(ImportError):
            import stripe

            http = stripe.AIOHTTPClient()
            stack.push_async_callback(http.close_async)
            paying = stripe.StripeClient("sk_test_x", base_addresses={"api": url}, http_client=http)
            found["stripe on aiohttp"] = lambda: paying.raw_request_async("post", "/v1/customers", name="x")
        with contextlib.suppress(ImportError):
            import openai

            ai = await stack.enter_async_context(openai.AsyncOpenAI(api_key="x", base_url=url))
            found["openai"] = lambda: ai.post(PATH, cast_to=object, body=BODY)
        yield found


async def at_once(candidate: Candidate, calls: int, width: int) -> float:
    """Return the CPU seconds of so many calls."""
    gc.collect()
    began = time.process_time()
    if width == 1:
        for _ in range(calls):
            await candidate()
    else:
        for _ in range(calls // width):
            await asyncio.gather(*(candidate() for _ in range(width)))
    return time.process_time() - began


async def measure(rounds: int, calls: int) -> dict[str, dict[int, tuple[float, float, float]]]:
    """Return for every candidate and width the quartiles of its ratio to the first one."""
    results: dict[str, dict[int, tuple[float, float, float]]] = {}
    with server() as url:
        async with candidates(url) as found:
            for width in (1, 64):
                for candidate in found.values():
                    await at_once(candidate, 64, width)
                ratios: dict[str, list[float]] = {name: [] for name in found}
                for _ in range(rounds):
                    # The floor is measured on both sides of each, since the machine drifts.
                    floor = await at_once(found["aiohttp, bare"], calls, width)
                    for name, candidate in found.items():
                        own = await at_once(candidate, calls, width)
                        after = await at_once(found["aiohttp, bare"], calls, width)
                        ratios[name].append(own / ((floor + after) / 2))
                        floor = after
                for name, values in ratios.items():
                    low, middle, high = statistics.quantiles(values, n=4)
                    results.setdefault(name, {})[width] = (low, middle, high)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=256, help="a multiple of 64")
    arguments = parser.parse_args()
    results = asyncio.run(measure(arguments.rounds, arguments.calls))
    print(f"{'CPU of one call, bare aiohttp = 1':<36}{'one at a time':>22}{'64 at once':>22}")
    for name, widths in results.items():
        cells = "".join(f"{m:>8.2f} ({low:.2f}-{high:.2f})".rjust(22) for low, m, high in widths.values())
        print(f"{name:<36}{cells}")


if __name__ == "__main__":
    main()

"""What one call costs: CPU of this process, as a ratio to aiohttp's own `session.post` plus decoding.

A server in another process gives a constant response. The candidates take turns (A B C, A B C, …), and the median of the
paired ratios is printed, with its quartiles: one call at a time, and 64 at once. The floor of a list page of 50
inventories, each of which becomes an object, is aiohttp's own `session.get` of it plus decoding.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import msgspec

from benchmarks.figures import cell
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

STAMP = "2030-05-06T07:08:09.1234567Z"
INVENTORY = {
    "returnInventoryId": 19078,
    "apiId": 1042,
    "warehouseId": 2,
    "returnRequestLineItemId": 30211,
    "description": "Wireless headphones, blue",
    "quantity": 1,
    "weight": 512.125,
    "weightUom": "g",
    "dimension1": 24.5,
    "dimension2": 18.25,
    "dimension3": 9.75,
    "dimensionUom": "cm",
    "valueCurrencyCode": "usd",
    "value": 79.9,
    "handlingCode": "tbc",
    "handlingStatusCode": "pending",
    "rma": "NJ-2-240802-S00124-11",
    "sku": None,
    "warehouseRemarks": None,
    "createOn": STAMP,
    "modifyOn": STAMP,
    "createBy": "system",
}
PAGE = {
    **RESPONSE,
    "data": [{**INVENTORY, "returnInventoryId": 19078 + number} for number in range(50)],
    "totalNumberOfRecords": 50,
}
_PAGE = "a page of 50, bare aiohttp"
FLOORS = {_PAGE: _PAGE, "a page of 50, returnhelper": _PAGE}  # of the others: the first candidate
GOALS = {"returnhelper": 1.15, "a page of 50, returnhelper": 1.5}

NGINX = """
daemon off; worker_processes 1; pid {dir}/pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000000;
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  server {{ listen 127.0.0.1:{port}; default_type application/json;
    location = /api/ReturnInventory/list {{ alias {dir}/page.json; }}
    location / {{ return 200 '{response}'; }} }} }}
"""

FALLBACK = """
import sys
from aiohttp import web
async def response(request):
    await request.read()
    body = sys.argv[3 if request.path.endswith("/list") else 2]
    return web.Response(body=body.encode(), content_type="application/json")
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
            Path(directory).chmod(0o755)  # the worker of nginx may be another user
            Path(directory, "page.json").write_text(json.dumps(PAGE), encoding="utf-8")
            conf = Path(directory, "nginx.conf")
            conf.write_text(NGINX.format(dir=directory, port=port, response=response), encoding="utf-8")
            command = [nginx, "-p", directory, "-c", str(conf)]
        else:
            command = [sys.executable, "-c", FALLBACK, str(port), response, json.dumps(PAGE)]
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
        page_url = f"{url}/api/ReturnInventory/list?pageSize=50&offset=0"

        async def bare_page() -> object:
            async with session.get(page_url, headers=headers) as response:
                return decode(await response.read())

        async def page() -> object:
            listed = rh.return_inventories.list(
                created_from=datetime(2030, 5, 1, tzinfo=UTC), created_to=datetime(2030, 5, 9, tzinfo=UTC)
            )
            return [item async for item in listed]

        found["a page of 50, bare aiohttp"], found["a page of 50, returnhelper"] = bare_page, page
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


async def measure(rounds: int, calls: int) -> dict[str, list[list[float]]]:
    """Return for every candidate and width its ratios to its floor, round by round."""
    results: dict[str, list[list[float]]] = {}
    with server() as url:
        async with candidates(url) as found:
            for width in (1, 64):
                for candidate in found.values():
                    await at_once(candidate, 64, width)
                ratios: dict[str, list[float]] = {name: [] for name in found}
                for _ in range(rounds):
                    for name, candidate in found.items():
                        # The floor is measured on both sides of each, since the machine drifts.
                        bare = found[FLOORS.get(name, "aiohttp, bare")]
                        before = await at_once(bare, calls, width)
                        own = await at_once(candidate, calls, width)
                        after = await at_once(bare, calls, width)
                        ratios[name].append(own / ((before + after) / 2))
                for name, values in ratios.items():
                    results.setdefault(name, []).append(values)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=256, help="a multiple of 64")
    arguments = parser.parse_args()
    results = asyncio.run(measure(arguments.rounds, arguments.calls))
    print(f"{'CPU of one call, bare aiohttp = 1':<36}{'one at a time':<46}64 at once")
    for name, widths in results.items():
        one, many = (cell(values, GOALS.get(name)) for values in widths)
        print(f"{name:<36}{one:<46}{many}")


if __name__ == "__main__":
    main()

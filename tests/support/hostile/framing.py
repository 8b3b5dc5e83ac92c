"""Responses that are odd as HTTP: status lines, headers, encodings, and connections that break."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from functools import cache

from tests.support.catalogs import Documented
from tests.support.hostile.building import (
    ECHO,
    HTML,
    Outcome,
    Response,
    chunked,
    encoded,
    envelope,
    fixed,
    given,
    http,
    json_response,
    sample,
)
from tests.support.server import TOKEN


def statuses() -> Iterator[Response]:
    """Every kind of status line, with the documented payload of a success beneath."""
    for status in (
        *("205", "300", "301", "302", "303", "304", "307", "308", "400", "401", "402", "403", "404", "405"),
        *("406", "407", "408", "409", "410", "411", "412", "413", "414", "415", "416", "417", "418", "421"),
        *("422", "423", "424", "425", "426", "428", "429", "431", "451", "499", "500", "501", "502", "503"),
        *("504", "505", "507", "508", "511", "520", "525", "530", "599", "600", "999"),
    ):
        outcome = Outcome.EITHER if status == "205" else Outcome.ERROR
        yield Response(
            f"http {status}",
            given(status, lambda s, op: json_response(envelope(op), status=f"{s} Reason")),
            outcome,
        )
        yield fixed(f"http {status}, html", http(HTML, status=f"{status} {ECHO}", kind="text/html"))
    for line in (
        *("204 No Content", "304 Not Modified", "99 Low", "-1 No", "0 Zero", "1000 High", "2xx OK", "OK", ""),
        *("200\0 OK", "200 \xff\xfe"),
    ):
        yield fixed(f"status line {line!r}", http(b"", status=line))
    for data in (
        *(
            b"",
            b"\r\n\r\n",
            b"HTTP/1.1\r\n\r\n",
            b"HTTP/9.9 200 OK\r\n\r\n",
            b"ICY 200 OK\r\n\r\n",
            b"HTTP/1.1 200",
        ),
        *(b"SSH-2.0-OpenSSH_9.6\r\n", b"220 mail ESMTP\r\n", b"\x15\x03\x01\x00\x02\x02\x28", b"\0" * 1000),
        *(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"<html>" + ECHO.encode() + b"</html>",
            ECHO.encode() + b"\r\n\r\n",
        ),
        b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
        + ECHO.encode(),
    ):
        yield fixed(f"bytes {data[:24]!r}", data)
    yield Response("reset at once", lambda _: b"", reset=True)
    yield Response("reset behind the headers", lambda _: http(b"", length=100), reset=True)
    yield Response("reset inside the body", lambda op: json_response(envelope(op))[:-9], reset=True)
    for at in (0, 10, 60, -1):
        yield Response(
            f"stalls at {at}", given(at, lambda at, op: json_response(envelope(op))[:at]), stalls=True
        )


def headers() -> Iterator[Response]:
    """Headers that contradict, mislead, or hold what no header may."""
    for length in ("-1", "abc", "1e3", "", "+5", "0x10", "9" * 30, "5, 5", "99999"):
        yield Response(f"length {length!r}", given(length, lambda n, op: http(sample(op), length=n)))
    yield Response("length too small", lambda op: http(sample(op), length=10))
    yield Response("two lengths", lambda op: http(sample(op), "Content-Length: 7"))
    yield Response(
        "two equal lengths", lambda op: http(sample(op), f"Content-Length: {len(sample(op))}"), Outcome.EITHER
    )
    yield Response("chunked and length", lambda op: http(sample(op), "Transfer-Encoding: chunked"))
    for coding in ("gzip", "identity", "chunked, gzip", "xchunked", "chunked, chunked"):
        yield Response(
            f"coding {coding}",
            given(coding, lambda c, op: http(sample(op), f"Transfer-Encoding: {c}", length=None)),
            Outcome.EITHER,
        )
    for end in (
        b"",
        b"0\r\n",
        b"zz\r\n",
        b"-1\r\n\r\n",
        b"ffffffffffffffffff\r\n",
        b"5\r\nab",
        b"1;" + b"x" * 70_000 + b"\r\na\r\n",
    ):
        yield Response(f"chunk {end[:20]!r}", given(end, lambda end, op: chunked(sample(op), end=end)))
    yield Response(
        "trailers",
        lambda op: chunked(sample(op), end=f"0\r\nx-echo: {ECHO}\r\n\r\n".encode()),
        Outcome.EITHER,
    )
    odd = {
        "no colon": "no colon here",
        "empty name": ": value",
        "space in name": f"x y: {ECHO}",
        "non-ascii name": "x-\xe9: 1",
        "nul": "x-nul: a\0b",
        "bare cr": "x-cr: a\rb",
        "non-ascii value": f"x-echo: \xff\xfe {ECHO}",
        "folded": "x-fold: a\r\n b",
        "long": "x-long: " + "a" * 9000,
        "huge": "x-huge: " + "a" * 200_000,
        "many": "\r\n".join(f"x-{n}: {n}" for n in range(2000)),
        "cookie": f"Set-Cookie: session={TOKEN}; Path=/",
        "odd cookie": "Set-Cookie: \xff=\xfe;;;=",
        "echo": f"x-echo: {ECHO}",
        "upgrade": "Upgrade: h2c",
        "trailer": "Trailer: x-echo",
        "date": "Date: yesterday",
    }
    for name, header in odd.items():
        yield Response(f"header {name}", given(header, lambda h, op: http(sample(op), h)), Outcome.EITHER)
        yield fixed(f"header {name}, 503", http(b"", header, status="503 Service Unavailable"))
    for kind in (
        *(
            "text/html",
            f"text/{TOKEN}",
            "application/x-www-form-urlencoded;\xff",
            "image/png",
            "multipart/mixed",
        ),
        *("", ";;;", "application/json; charset=" + "x" * 5000, "application/json; charset=utf-16"),
    ):
        yield fixed(f"type {kind[:30]!r}", http(HTML, kind=kind))
    for wait in (
        "5",
        "-5",
        "9" * 40,
        "soon",
        "Wed, 99 Oct 2015 07:28:30 GMT",
        ECHO,
        "\xff",
        "inf",
        "1e9",
        "0",
    ):
        yield fixed(f"retry-after {wait[:20]!r}", http(b"", f"Retry-After: {wait}", status="429 Slow down"))
    for place in (
        *(
            "/",
            "",
            f"https://evil.example/?{ECHO}",
            f"http://{TOKEN}@evil.example/",
            "//evil.example",
            "javascript:x",
        ),
        *(
            "http://" + "a" * 70 + ".example/",
            "http://a..b/",
            "http://[::1",
            "http://xn--\xff/",
            "ftp://x/",
            "\0",
            "https://:99999/",
        ),
    ):
        for status in ("301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"):
            yield fixed(
                f"redirect {status[:3]} {place[:20]!r}", http(HTML, f"Location: {place}", status=status)
            )


def encodings() -> Iterator[Response]:
    """Bodies whose Content-Encoding is cut, wrong, unknown or a bomb."""

    def packed(op: Documented) -> bytes:
        return gzip.compress(sample(op))

    yield Response("gzip without trailer", lambda op: encoded(packed(op)[:-8], "gzip"))
    yield Response("gzip cut in its trailer", lambda op: encoded(packed(op)[:-3], "gzip"))
    yield Response("gzip cut", lambda op: encoded(packed(op)[:-20], "gzip"))
    yield Response("gzip cut in its header", lambda op: encoded(packed(op)[:5], "gzip"))
    yield Response("gzip, wrong checksum", lambda op: encoded(packed(op)[:-8] + b"\0" * 8, "gzip"))
    yield Response(
        "gzip, garbage behind", lambda op: encoded(packed(op) + ECHO.encode(), "gzip"), Outcome.EITHER
    )
    yield Response("gzip, empty", lambda _: encoded(b"", "gzip"))
    yield Response("gzip twice", lambda op: encoded(gzip.compress(packed(op)), "gzip"))
    yield Response("plain as gzip", lambda op: encoded(sample(op), "gzip"))
    yield Response("gzip as deflate", lambda op: encoded(packed(op), "deflate"), Outcome.EITHER)
    yield Response(
        "raw deflate", lambda op: encoded(zlib.compress(sample(op), wbits=-15), "deflate"), Outcome.EITHER
    )
    yield Response("deflate cut", lambda op: encoded(zlib.compress(sample(op))[:-6], "deflate"))
    for unknown in ("br", "zstd", "compress", "x-unknown", "gzip, gzip", "identity, br", "\xff"):
        yield Response(
            f"encoding {unknown!r}", given(unknown, lambda e, op: encoded(sample(op), e)), Outcome.EITHER
        )
    yield Response("gzip without saying so", lambda op: http(packed(op)))
    yield Response("gzip bomb", lambda _: encoded(_bomb(), "gzip"))


@cache
def _bomb() -> bytes:
    return gzip.compress(b'"' + b" " * (70 << 20) + b'"', 1)


def cuts() -> list[Response]:
    """Return a documented response that says success, cut at every byte, closed there or reset."""
    small = b'{"meta":{"status":200,"errorCode":null},"data":[{"echo":"' + ECHO.encode() + b'"}]}'
    responses = []
    for name, whole in {
        "length": http(small),
        "chunked": chunked(small, 16),
        "gzip": encoded(gzip.compress(small), "gzip"),
    }.items():
        for at in range(len(whole)):
            data = whole[:at]
            responses.append(Response(f"{name} cut at {at}", given(data, lambda d, _: d), reset=bool(at % 2)))
    # Without a length, only the JSON shows that something is missing.
    open_ended = http(small, length=None)
    start = open_ended.index(b"\r\n\r\n") + 4
    responses += [fixed(f"open-ended cut at {at}", open_ended[:at]) for at in range(start, len(open_ended))]
    return responses

"""Files: the photos and labels that events link to; all are the same pixel or the same empty page."""

from __future__ import annotations

from typing import Final

from aiohttp import web

_PIXEL: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000"
    "0500010d0a2db40000000049454e44ae426082"
)
_PDF: Final = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 288 432]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)


def respond(path: str) -> web.Response:
    """Return the file of a path below ``/files``."""
    if path.endswith(".pdf"):
        return web.Response(body=_PDF, content_type="application/pdf")
    return web.Response(body=_PIXEL, content_type="image/png")

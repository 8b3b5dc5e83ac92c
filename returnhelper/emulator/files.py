"""Files: uploads to pre-signed addresses, and the photos and labels that events link to."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from urllib.parse import quote

from aiohttp import web

from returnhelper._time import to_wire
from returnhelper.emulator.account import Account, ApiRequest, Payload
from returnhelper.emulator.entities import StoredFile

UPLOADS: Final = "/uploads/"
_LIFETIME: Final = timedelta(hours=1)  # the lifetime of an address is not published

_PIXEL: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000"
    "0500010d0a2db40000000049454e44ae426082"
)
_PDF: Final = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 288 432]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)


def get_upload_url(account: Account, request: ApiRequest) -> Payload:
    """GET file/GetPreSignedUploadUrl: an address that takes one file, once its type is the same."""
    filename, kind = request.query.text("filename", limit=255), request.query.text("mimeType", limit=255)
    request.query.check()
    now = account.clock()
    key = f"rr/api/files/{now:%Y/%m}/{account.new_uuid()}/{filename}"
    stored = StoredFile(key=key, filename=filename, content_type=kind, expires=now + _LIFETIME)
    account.files[key] = stored
    base = account.files_url.removesuffix("/files")
    return {
        "preSignedUrl": f"{base}{UPLOADS}{quote(key)}",
        "filename": filename,
        "fileKey": key,
        "contentType": kind,
        "expires": to_wire(stored.expires),
    }


def store(account: Account, path: str, content_type: str, content: bytes) -> web.Response:
    """Take an upload: 200 if it is stored, 403 otherwise, as object storages respond (inferred)."""
    stored = account.files.get(path.removeprefix(UPLOADS))
    if stored is None:
        return web.Response(status=403, text="There is no such upload address.")
    if account.clock() > stored.expires:
        return web.Response(status=403, text="The upload address has expired.")
    if content_type != stored.content_type:
        return web.Response(status=403, text=f"The content type must be {stored.content_type}.")
    stored.content = content
    return web.Response()


def respond(account: Account, path: str) -> web.Response:
    """Return the file of a path below ``/files``: an upload, else the same pixel or the same empty page."""
    stored = account.files.get(path.removeprefix("/files/"))
    if stored is not None and stored.content is not None:
        return web.Response(body=stored.content, headers={"Content-Type": stored.content_type})
    if path.endswith(".pdf"):
        return web.Response(body=_PDF, content_type="application/pdf")
    return web.Response(body=_PIXEL, content_type="image/png")

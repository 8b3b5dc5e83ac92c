"""Files: uploads of instruction files and labels, downloads of labels and photos."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from returnhelper import _file_io
from returnhelper._address import Address
from returnhelper._arguments import POSITIVE, is_encodable, require_int, require_text, require_type
from returnhelper._request import Operation, RequestOptions, SupportsCall
from returnhelper._secrets import header_problem
from returnhelper._validation import Parameters, Text
from returnhelper.errors import ConfigurationError, format_value
from returnhelper.models.files import DownloadedFile, PreSignedUploadUrl, UploadedFile
from returnhelper.resources._base import Resource

if TYPE_CHECKING:
    from returnhelper._storage import StorageTransport

_GET_PRE_SIGNED_UPLOAD_URL: Final = Operation(
    "File/GetPreSignedUploadUrl",
    "GET",
    "/api/file/GetPreSignedUploadUrl",
    payload=("data",),
    api="public",
    params=Parameters(filename=Text, mime_type=Text),
)

_MAX_DOWNLOAD = 100 * 1024 * 1024
_AS_THEY_ARE = "/%:@!$&'()*+,;=~-._"
# Without the tables of the operating system: the same result everywhere, and no disk access in the event loop.
_TYPES: Final = mimetypes.MimeTypes(filenames=())


class Files(Resource):
    """Uploads and downloads. Key and token never go to the hosts that store the files."""

    __slots__ = ("_storage",)

    def __init__(self, caller: SupportsCall, storage: StorageTransport) -> None:
        super().__init__(caller)
        self._storage = storage

    async def get_pre_signed_upload_url(
        self, filename: str, *, mime_type: str, options: RequestOptions | None = None
    ) -> PreSignedUploadUrl:
        """Fetch an address that accepts one file by HTTP PUT; `upload` does all of it.

        The upload must repeat ``filename``, with its extension, and ``mime_type`` exactly. Anyone who has the address
        can use it until it expires (inferred).

        Source: File/GetPreSignedUploadUrl
        """
        return await self._one(
            _GET_PRE_SIGNED_UPLOAD_URL, PreSignedUploadUrl, options, filename=filename, mime_type=mime_type
        )

    async def upload(
        self,
        source: str | os.PathLike[str] | bytes | AsyncIterable[bytes],
        *,
        filename: str | None = None,
        mime_type: str | None = None,
        size: int | None = None,
        options: RequestOptions | None = None,
    ) -> UploadedFile:
        """Upload a file: a path, the bytes themselves, or an async iterator of them.

        ``filename`` defaults to the name of the path, ``mime_type`` to the type of its extension. The storage must know
        the size beforehand (inferred): an iterator is first collected in a temporary file, unless ``size`` is given;
        then it is sent as it comes, and only once. Pass the returned ``filename`` and ``file_key`` to the operation
        that uses the file: a split-parcel service, or the shipping data of a replenish instruction.

        The total timeout of the client applies to the address and again to the transfer; ``options`` may extend it.
        Raises `ConfigurationError` for a source that cannot be read, `APIError` if the storage refuses.

        Source: File/GetPreSignedUploadUrl
        """
        for argument, text in (("filename", filename), ("mime_type", mime_type)):
            if text is not None:
                require_text(argument, text)
        if size is not None:
            require_int("size", size)
        name = filename or _name_of(source)
        kind = mime_type or _TYPES.guess_type(name)[0]
        if kind is None:
            raise ConfigurationError(f"{name!r} has no extension with a known type; pass mime_type")
        problem = header_problem(kind)
        if problem is not None:
            raise ConfigurationError(f"mime_type {problem}: {format_value(kind)}")
        async with _file_io.open_source(source, size) as body:
            slot = await self.get_pre_signed_upload_url(name, mime_type=kind, options=options)
            await self._storage.put(
                Address(slot.pre_signed_url),
                body.chunks,
                size=body.size,
                content_type=kind,
                repeatable=body.repeatable,
                options=options,
            )
        stored = UploadedFile(
            filename=slot.filename or name, file_key=slot.file_key, content_type=kind, size=body.size
        )
        object.__setattr__(stored, "_response", slot.response)
        return stored

    async def download(
        self,
        url: str,
        path: str | os.PathLike[str],
        *,
        max_bytes: int | None = _MAX_DOWNLOAD,
        options: RequestOptions | None = None,
    ) -> DownloadedFile:
        """Save a label or a photo under a path, complete or not at all.

        The file is written beside ``path``, and replaces a file already there, whose permissions stay, when all of it
        has arrived. Symbolic links are followed; what is not a regular file is refused. Above ``max_bytes`` (100 MiB,
        None for any size) the download is aborted. Plain http is refused unless the environment has `allow_http`, and
        a redirect from https to http always.

        The client's timeouts and retries apply; the total is for the whole transfer, ``options`` may extend it.
        Raises `APIError` if the host refuses, `TransportError` if the file does not arrive, `ConfigurationError` if
        it cannot be written.
        """
        address = Address(url)
        del url  # a crash report would show its signature
        if options is not None:
            require_type("options", options, RequestOptions, "RequestOptions(timeout=600)")
        if max_bytes is not None:
            require_int("max_bytes", max_bytes, POSITIVE)
        target = await _file_io.find_target(path)
        return await self._storage.get(
            address,
            lambda headers, chunks: _file_io.save(headers, chunks, target, max_bytes),
            options=options,
        )

    def image_url(self, key: str, *, base_url: str | None = None) -> str:
        """Return the address of a photo from one of the file keys of a return inventory.

        The addresses are public, need no headers and do not expire. The hosts of sandbox and production are
        documented; for another environment pass ``base_url``, such as ``https://files.example``.
        """
        require_text("key", key)
        if base_url is not None:
            require_text("base_url", base_url)
        base = base_url or self._storage.environment.image_url
        if base is None:
            raise ConfigurationError(
                f"no photo host is documented for the environment {self._storage.environment.name}; pass base_url"
            )
        if not key.strip() or not is_encodable(key):
            raise ConfigurationError(f"key must be the file key of a photo, not {format_value(key)}")
        if not _is_http(base) or not is_encodable(base):
            raise ConfigurationError(
                f"base_url must be an http or https URL such as https://files.example, not {format_value(base)}"
            )
        return f"{base.rstrip('/')}/{quote(key.lstrip('/'), safe=_AS_THEY_ARE)}"


def _is_http(url: str) -> bool:
    try:
        return urlsplit(url).scheme in {"http", "https"}
    except ValueError:
        return False


def _name_of(source: object) -> str:
    if isinstance(source, str | os.PathLike):
        return _file_io.path_of("source", source).name
    raise ConfigurationError("pass filename: only a path has a name of its own")

"""Files on their way to and from the vendor's storage."""

from __future__ import annotations

from pathlib import Path

import attrs

from returnhelper._wire import Model, model


@model
class PreSignedUploadUrl(Model):
    """An address that takes one file by HTTP PUT until ``expires``.

    Anyone who has ``pre_signed_url`` can write to it (inferred); do not log it. ``filename`` and ``file_key`` are what
    calls that accept files ask for.
    """

    pre_signed_url: str = attrs.field(repr=False)
    filename: str | None = None
    file_key: str
    content_type: str | None = None
    expires: str | None = None


@model
class UploadedFile(Model):
    """A stored file: ``filename`` and ``file_key`` go into the call that uses it."""

    filename: str
    file_key: str
    content_type: str
    size: int


@attrs.frozen(kw_only=True)
class DownloadedFile:
    """A file that arrived complete: where it is, its size in bytes and the type that its host gave."""

    path: Path
    size: int
    content_type: str | None = None

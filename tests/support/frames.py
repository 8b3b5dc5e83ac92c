"""What a crash reporter collects: an error, the errors behind it, and the local variables of every frame."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from types import FrameType, TracebackType

from returnhelper import ReturnHelperError


def errors_behind(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, its causes and its contexts."""
    pending, seen = [error], set[int]()
    while pending:
        link = pending.pop()
        if id(link) not in seen:
            seen.add(id(link))
            yield link
            pending += [other for other in (link.__cause__, link.__context__) if other is not None]


def frames(trace: TracebackType | None) -> Iterator[FrameType]:
    """Yield the frames of a traceback, except those of tests: a test knows the secrets that it plants."""
    while trace is not None:
        if not str(trace.tb_frame.f_globals.get("__name__")).startswith("tests"):
            yield trace.tb_frame
        trace = trace.tb_next


def report(error: BaseException) -> str:
    """Return everything that a report of this error would show."""
    lines = []
    for link in errors_behind(error):
        lines += [f"{link}", f"{link!r}", f"{vars(link)!r}"]
        if isinstance(link, ReturnHelperError):
            lines.append(repr(pickle.dumps(link)))
            lines.append(repr(getattr(getattr(link, "response", None), "headers", None)))
            lines.append(repr(getattr(getattr(link, "response", None), "body", None)))
        for frame in frames(link.__traceback__):
            lines += [
                f"{frame.f_code.co_qualname} {name} = {_shown(value)}"
                for name, value in frame.f_locals.items()
            ]
    return "\n".join(lines)


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception as e:  # an object whose constructor has not come to its end
        return f"<{type(value).__name__}: {e}>"


def leaks(error: BaseException, *secrets: str) -> list[str]:
    """Return the lines of the report that show one of the secrets."""
    return [line for line in report(error).splitlines() if any(secret in line for secret in secrets)]

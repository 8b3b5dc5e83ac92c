"""What every resource is built on: make a call, give its payload a type."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from returnhelper import _response
from returnhelper._validation import MAX_PAGE_SIZE, FieldErrors
from returnhelper._wire import Model, StructureError, find_type_mismatches, structure
from returnhelper.errors import ConfigurationError, RequestInvalid, UnexpectedContent
from returnhelper.pagination import Pager
from returnhelper.types import ResultList

if TYPE_CHECKING:
    from datetime import datetime

    from returnhelper._request import Operation, ParsedResponse, QueryValue, SupportsCall
    from returnhelper.config import RequestOptions
    from returnhelper.pagination import Window
    from returnhelper.types import JSONValue

M = TypeVar("M", bound=Model)


class Resource:
    """A group of operations. Get one from a property of `ReturnHelper`."""

    __slots__ = ("_caller",)

    def __init__(self, caller: SupportsCall) -> None:
        self._caller = caller

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._caller!r}>"

    async def _call(
        self,
        op: Operation,
        result: type[M],
        *,
        query: Mapping[str, QueryValue] | None = None,
        body: object | None = None,
        options: RequestOptions | None = None,
    ) -> M:
        """Call, and return the payload as one object."""
        if op.deprecated is not None:
            _warn(op)
        parsed = await self._caller.call(op, query=query, body=body, options=options)
        try:
            found = _response.payload(op, parsed.envelope)
            if op.payload and isinstance(found, Mapping):
                # A payload member that is null says nothing; it is no member of the payload.
                found = {k: v for k, v in found.items() if v is not None or k not in op.payload}
            typed = structure(found, result)
        except StructureError as e:
            raise _misfit(op, parsed, e) from None
        object.__setattr__(typed, "_response", parsed.response)
        return typed

    async def _items(
        self,
        op: Operation,
        item: type[M],
        *,
        query: Mapping[str, QueryValue] | None = None,
        body: object | None = None,
        options: RequestOptions | None = None,
    ) -> ResultList[M]:
        """Call, and return the payload as a list; a missing one is empty."""
        if op.deprecated is not None:
            _warn(op)
        parsed = await self._caller.call(op, query=query, body=body, options=options)
        found = _response.payload(op, parsed.envelope)
        try:
            if isinstance(found, Mapping):
                found = _only_list(op, found)
            if not isinstance(found, Sequence) or isinstance(found, str):
                raise StructureError("expected a list")
            typed = [structure(value, item) for value in found]
        except StructureError as e:
            raise _misfit(op, parsed, e) from None
        return ResultList(typed, response=parsed.response, total=_response.total(parsed.envelope))

    def _list(
        self,
        op: Operation,
        item: type[M],
        *,
        key: Callable[[M], Hashable],
        span: tuple[datetime, datetime] | None,
        page_size: int,
        cursor: str | None,
        options: RequestOptions | None,
    ) -> Pager[M]:
        """Return a paged list of the items created in the span, or of all items where the list takes no span."""
        problems = FieldErrors()
        problems.whole("pageSize", page_size, 1, MAX_PAGE_SIZE)
        if span is not None:
            problems.span("createFrom", span[0], "createTo", span[1])
        self._check(problems, options)

        async def fetch(window: Window | None, offset: int, size: int) -> ResultList[M]:
            query: dict[str, QueryValue] = {"pageSize": size, "offset": offset}
            if window is not None:
                query |= {"createFrom": window.created_from, "createTo": window.created_to}
            return await self._items(op, item, query=query, options=options)

        created_from, created_to = span or (None, None)
        return Pager(
            fetch,
            name=op.name,
            created_from=created_from,
            created_to=created_to,
            page_size=page_size,
            cursor=cursor,
            key=key,
        )

    @staticmethod
    def _built(kind: type[Model], **given: object) -> None:
        """Raise ConfigurationError for arguments that are made of other things than models, dicts for example."""
        for name, value in given.items():
            named = [(name, value)]
            if isinstance(value, Sequence) and not isinstance(value, str):
                named = [(f"{name}[{index}]", entry) for index, entry in enumerate(value)]
            for where, found in named:
                for path, part, needed in find_type_mismatches(where, found, kind):
                    raise ConfigurationError(
                        f"{path} must be a {needed.__name__}, not {type(part).__name__}: "
                        f"build it with {needed.__module__}.{needed.__name__}(…)"
                    )

    def _check(self, problems: Mapping[str, str], options: RequestOptions | None = None) -> None:
        """Raise RequestInvalid for the problems found, unless the checks are switched off."""
        wanted = None if options is None else options.check_limits
        if problems and (self._caller.check_limits if wanted is None else wanted):
            raise RequestInvalid(problems)


def _only_list(op: Operation, found: Mapping[str, JSONValue]) -> JSONValue:
    """Read a list that is missing, or that an object wraps."""
    named = [found[name] for name in op.payload if name in found]
    for value in named:
        if isinstance(value, Sequence) and not isinstance(value, str):
            return value
    if named:  # present, but null
        return ()
    lists = [value for value in found.values() if isinstance(value, Sequence) and not isinstance(value, str)]
    return lists[0] if len(lists) == 1 else ()


def _misfit(op: Operation, parsed: ParsedResponse, misfit: StructureError) -> UnexpectedContent:
    error = UnexpectedContent(
        f"{op.name} succeeded, but its answer does not fit: {misfit}; the response itself is in .response. Do not send "
        "it again with another idempotency key",
        operation=op.name,
        idempotency_key=parsed.response.idempotency_key,
    )
    error.http_status = parsed.response.http_status
    error.content_type = parsed.response.headers.get("Content-Type")
    error.response = parsed.response
    return error


def _warn(op: Operation) -> None:
    # 1 is here, 2 the base class, 3 the resource's method, 4 the line that called it.
    warnings.warn(f"{op.name} is deprecated: {op.deprecated}", DeprecationWarning, stacklevel=4)

"""What every resource is built on: make a call, give its payload a type."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar, cast

from returnhelper import _response
from returnhelper._secrets import Uncopyable
from returnhelper._validation import ErrorKind, FieldError
from returnhelper._wire import Model, StructureError, structure
from returnhelper._wire.model import wire_names
from returnhelper.config import RequestOptions
from returnhelper.errors import ConfigurationError, RequestInvalid, UnexpectedContent, format_value
from returnhelper.pagination import Pager
from returnhelper.types import ResultList

if TYPE_CHECKING:
    from datetime import datetime

    from returnhelper._request import Operation, ParsedResponse, QueryValue, SupportsCall
    from returnhelper.pagination import Window
    from returnhelper.types import JSONValue

M = TypeVar("M", bound=Model)

_UNPROVEN: Final = "neither meta.status nor a documented member shows that the call succeeded"
_NO_PROOF: Final = frozenset({"code", "error", "errors", "fault", "message", "msg", "status", "success"})
_members_of: dict[type[Model], frozenset[str]] = {}


class Resource(Uncopyable):
    """A group of operations. Get one from a property of `ReturnHelper`."""

    __slots__ = ("_caller",)

    def __init__(self, caller: SupportsCall) -> None:
        self._caller = caller

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._caller!r}>"

    async def _one(
        self, op: Operation, result: type[M], options: RequestOptions | None, /, **arguments: object
    ) -> M:
        """Check the arguments, make the call, and return its payload as one object."""
        query, body = self._request_of(op, options, arguments)
        parsed = await self._caller.call(op, query=query, body=body, options=options)
        found = _read_object(op, parsed, result)
        if isinstance(found, UnexpectedContent):
            raise found
        return found

    async def _many(
        self, op: Operation, item: type[M], options: RequestOptions | None, /, **arguments: object
    ) -> ResultList[M]:
        """Check the arguments, make the call, and return its payload as a list."""
        query, body = self._request_of(op, options, arguments)
        return await self._fetch(op, item, query, body, options)

    async def _fetch(
        self,
        op: Operation,
        item: type[M],
        query: Mapping[str, QueryValue] | None,
        body: object | None,
        options: RequestOptions | None,
    ) -> ResultList[M]:
        parsed = await self._caller.call(op, query=query, body=body, options=options)
        found = _read_list(op, parsed, item)
        if isinstance(found, UnexpectedContent):
            raise found
        return found

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
        created_from, created_to = span or (None, None)
        given = {
            "created_from": created_from,
            "created_to": created_to,
            "page_size": page_size,
            "cursor": cursor,
        }
        self._check(op, options, {name: given[name] for name in op.params.annotations})

        async def fetch(window: Window | None, offset: int, size: int) -> ResultList[M]:
            query: dict[str, QueryValue] = {"pageSize": size, "offset": offset}
            if window is not None:
                query |= {"createFrom": window.created_from, "createTo": window.created_to}
            return await self._fetch(op, item, query, None, options)

        return Pager(
            fetch,
            name=op.name,
            created_from=created_from,
            created_to=created_to,
            page_size=page_size,
            cursor=cursor,
            key=key,
        )

    def _request_of(
        self, op: Operation, options: RequestOptions | None, arguments: Mapping[str, object]
    ) -> tuple[Mapping[str, QueryValue] | None, object | None]:
        """Return the query and the body of a call whose arguments are valid."""
        self._check(op, options, arguments)
        if op.deprecated is not None:
            # 1 is here, 2 the method that makes the call, 3 the resource's method, 4 the line that called it.
            warnings.warn(f"{op.name} is deprecated: use {op.deprecated}", DeprecationWarning, stacklevel=4)
        sent = op.params.to_wire(arguments)
        return (None, sent) if op.method == "POST" else (cast("Mapping[str, QueryValue]", sent), None)

    def _check(self, op: Operation, options: RequestOptions | None, arguments: Mapping[str, object]) -> None:
        """Raise an error that names each argument whose type is wrong or, unless switched off, that breaks a limit."""
        if options is not None and not isinstance(options, RequestOptions):
            raise ConfigurationError(f"options must be RequestOptions, not {format_value(options)}")
        found = op.params.check(arguments)
        if not found:
            return
        check_limits = None if options is None else options.check_limits
        if check_limits is None:
            check_limits = self._caller.check_limits
        broken: dict[str, FieldError] = {}
        for error in found:
            if error.kind is ErrorKind.CLASS:
                raise ConfigurationError(f"{error.python_path} {error.message}")
            if check_limits or error.kind is ErrorKind.TYPE:
                broken.setdefault(error.wire_path, error)
        if broken:
            listed = "; ".join(map(str, broken.values()))
            raise RequestInvalid(
                {path: error.message for path, error in broken.items()},
                message=f"the request is invalid and was not sent: {listed}",
            )


# The two readers return their error: a frame that an error passes through must not hold what a server may have echoed.


def _read_object(op: Operation, parsed: ParsedResponse, result: type[M]) -> M | UnexpectedContent:
    found, documented = _response.payload(op, parsed.envelope)
    members = _members(result)
    if isinstance(found, dict):
        # A payload member that is null is not a member of the payload.
        found = _spelled(
            {k: v for k, v in found.items() if v is not None or k not in op.payload} if op.payload else found,
            members,
        )
        if not (parsed.proven or _shows(found, members) or (documented and not members)):
            return _response.unfit(parsed, _UNPROVEN)
    try:
        typed = structure(found, result)
    except StructureError as e:
        return _response.unfit(parsed, str(e))
    object.__setattr__(typed, "_response", parsed.response)
    return typed


def _read_list(op: Operation, parsed: ParsedResponse, item: type[M]) -> ResultList[M] | UnexpectedContent:
    found, documented = _response.payload(op, parsed.envelope)
    if isinstance(found, Mapping):
        # With a status of success, a missing list is empty, and an object may be wrapped around it.
        found = _wrapped_list(op, found) if parsed.proven or documented else None
        if found is None and parsed.proven:
            found = ()
    if found is None:
        return _response.unfit(parsed, _UNPROVEN)
    if not isinstance(found, Sequence) or isinstance(found, str):
        return _response.unfit(parsed, "expected a list")
    if op.creates and not found:
        return _response.unfit(parsed, "the list of what was created is empty")
    members = _members(item)
    if found and isinstance(found[0], Mapping) and members.isdisjoint(found[0]):
        found = [_spelled(entry, members) if isinstance(entry, Mapping) else entry for entry in found]
    if not parsed.proven and not all(
        isinstance(entry, Mapping) and _shows(entry, members) for entry in found
    ):
        return _response.unfit(parsed, _UNPROVEN)
    try:
        typed = [structure(entry, item) for entry in found]
    except StructureError as e:
        return _response.unfit(parsed, str(e))
    return ResultList(typed, response=parsed.response, total=_response.total(parsed.envelope))


def _members(cls: type[Model]) -> frozenset[str]:
    members = _members_of.get(cls)
    if members is None:
        members = _members_of[cls] = frozenset(name for names in wire_names(cls).values() for name in names)
    return members


def _shows(found: Mapping[str, JSONValue], members: frozenset[str]) -> bool:
    """Return whether a member of the result's class is there, other than those that gateways print as well."""
    return any(found.get(name) is not None for name in members - _NO_PROOF)


def _spelled(found: Mapping[str, JSONValue], members: frozenset[str]) -> Mapping[str, JSONValue]:
    """Return the members in the documented casing, where none of them is."""
    if not members or not members.isdisjoint(found):
        return found
    documented = {name.casefold(): name for name in members}
    return {documented.get(name.casefold(), name): value for name, value in found.items()}


def _wrapped_list(op: Operation, found: Mapping[str, JSONValue]) -> JSONValue:
    """Return the list that an object is wrapped around; None if there is none."""
    for name in op.payload:
        value = found.get(name)
        if isinstance(value, Sequence) and not isinstance(value, str):
            return value
    if any(name in found for name in op.payload):  # but null
        return None
    lists = [value for value in found.values() if isinstance(value, Sequence) and not isinstance(value, str)]
    return lists[0] if len(lists) == 1 else None

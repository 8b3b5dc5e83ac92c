"""Every argument of every operation is checked for its type before anything is sent."""

from __future__ import annotations

import inspect
import types
import typing
import warnings
from collections.abc import AsyncIterable, Awaitable, Callable, Iterator, Mapping
from typing import Any, NamedTuple, Never

import attrs
import pytest

from returnhelper import ConfigurationError, RequestInvalid, RequestOptions, ReturnHelper
from returnhelper._request import Operation
from returnhelper._wire import Model
from returnhelper._wire.model import attributes, camel, wire_names
from tests.support import coverage_core, coverage_fba
from tests.support.server import recording

CALLS: dict[str, Any] = {**coverage_core.CALLS, **coverage_fba.CALLS}

# Names on the wire that do not follow from the name of the parameter.
SENT_AS = {
    "created_from": "createFrom",
    "created_to": "createTo",
    "create_fba_shipment_list": "createFbaShipmentPayloadList",
    "new_fnsku": "assignNewFnskuPayloadList",
}


class Bound(NamedTuple):
    """One sample call, taken apart."""

    operation: str
    resource: str
    method: str
    arguments: Mapping[str, Any]

    def repeat(self, rh: Any, **changes: object) -> object:
        """Make the call with some arguments changed."""
        method = getattr(getattr(rh, self.resource), self.method)
        signature = inspect.signature(method)
        given = {**self.arguments, **changes}
        positional = [p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        return method(
            *(given[name] for name in positional if name in given),
            **{name: value for name, value in given.items() if name not in positional},
        )


def bind(operation: str, sample: Callable[[Any], object]) -> Bound:
    """Find out which method a sample calls, and with what."""

    class Method:
        def __init__(self, resource: str, name: str) -> None:
            self.resource, self.name = resource, name

        def __call__(self, *args: object, **kwargs: object) -> Bound:
            real = getattr(getattr(ReturnHelper("k", "t"), self.resource), self.name)
            arguments = inspect.signature(real).bind(*args, **kwargs).arguments
            return Bound(operation, self.resource, self.name, arguments)

    class Names:
        def __getattr__(self, resource: str) -> Any:
            class Resource:
                def __getattr__(self, name: str) -> Method:
                    return Method(resource, name)

            return Resource()

    bound = sample(Names())
    assert isinstance(bound, Bound)
    return bound


BOUND = [bind(name, samples[0]) for name, samples in CALLS.items()]


async def outcome(result: object) -> object:
    """Wait for the result of a call, or for the first item of a list."""
    if isinstance(result, AsyncIterable):
        return [item async for item in result]
    assert isinstance(result, Awaitable)
    return await result


def takes_none(method: Callable[..., object], name: str) -> bool:
    """Tell whether the annotation of a parameter includes None."""
    hint = typing.get_type_hints(method)[name]
    return types.NoneType in typing.get_args(hint)


evolve: Any = attrs.evolve  # models are attrs classes, which their decorator does not tell type checkers
Put = Callable[[object], object]


def both(outer: Put, inner: Put) -> Put:
    return lambda new: outer(inner(new))


def places(value: object, path: str) -> Iterator[tuple[str, Put]]:
    """Name every place inside an argument by its wire path, with a function that puts something else there."""
    if isinstance(value, Model):
        for field in attributes(type(value)):
            part = getattr(value, field.name)
            if part is None:
                continue
            here = f"{path}.{wire_names(type(value))[field.name][0]}".lstrip(".")

            def replace(new: object, name: str = field.name) -> object:
                return evolve(value, **{name: new})

            yield here, replace
            for inner, put in places(part, here):
                yield inner, both(replace, put)
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):

            def replace_at(new: object, index: int = index) -> object:
                return [*value[:index], new, *value[index + 1 :]]

            yield f"{path}[{index}]", replace_at
            for inner, put in places(part, f"{path}[{index}]"):
                yield inner, both(replace_at, put)


async def refused(rh: ReturnHelper, bound: Bound, **changes: object) -> str:
    """Return the text of the error that a changed call raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            result = await outcome(bound.repeat(rh, **changes))
        except (ConfigurationError, RequestInvalid) as error:
            return str(error)
    pytest.fail(f"{bound.resource}.{bound.method} accepts {changes}: {result}")


@pytest.mark.parametrize("check_limits", [True, False])
async def test_every_argument_of_a_wrong_type_is_named(check_limits: bool) -> None:
    """An object of a foreign class, or None where a value is required, is refused by name; nothing is sent."""
    checked = 0
    async with recording(check_limits=check_limits) as (recorder, rh):
        for bound in BOUND:
            method = getattr(getattr(rh, bound.resource), bound.method)
            for name in bound.arguments:
                wrong = [object()] if takes_none(method, name) else [object(), None]
                for value in wrong:
                    text = await refused(rh, bound, **{name: value})
                    assert name in text or camel(name) in text or SENT_AS[name] in text
                    checked += 1
        assert recorder.seen == []
    assert len(BOUND) == 82
    assert checked > 150


async def test_every_part_of_a_wrong_type_is_named_by_its_wire_path() -> None:
    """An object of a foreign class anywhere inside a request or a list is refused, by the path that the wire has for it."""
    checked = 0
    async with recording() as (recorder, rh):
        for bound in BOUND:
            for name, value in bound.arguments.items():
                whole = isinstance(value, Model) and name != "ship_to"
                root = "" if whole else SENT_AS.get(name, camel(name))
                for path, put in places(value, root):
                    text = await refused(rh, bound, **{name: put(object())})
                    python = path.rpartition(".")[2]
                    assert path in text or "build it with returnhelper.models." in text, (path, text, python)
                    checked += 1
        assert recorder.seen == []
    assert checked > 200


async def test_options_of_a_wrong_type_are_named() -> None:
    """Something else in place of RequestOptions is refused by every operation."""
    async with recording() as (recorder, rh):
        for bound in BOUND:
            text = await refused(rh, bound, options={"timeout": 3})
            assert text == "options must be RequestOptions, not {'timeout': 3}"
        assert recorder.seen == []


def test_only_the_first_argument_is_positional() -> None:
    """Everything after the first obvious argument is keyword-only; updating a handling has two of these."""
    rh = ReturnHelper("k", "t")
    for bound in BOUND:
        parameters = inspect.signature(getattr(getattr(rh, bound.resource), bound.method)).parameters
        positional = [p.name for p in parameters.values() if p.kind is not p.KEYWORD_ONLY]
        assert len(positional) <= (2 if bound.method == "update_handling" else 1), bound
        assert parameters["options"].annotation == "RequestOptions | None"


class Stop(Exception):
    """Ends a call where it would be sent."""


class Caller:
    """Remembers the operation of a call, and sends nothing."""

    check_limits = True
    operation: Operation

    async def call(self, operation: Operation, **_: object) -> Never:
        self.operation = operation
        raise Stop


def _with_caller(resource: Any, caller: Caller) -> Any:
    """Return a resource of the same class that makes its calls through another caller."""
    made = object.__new__(type(resource))
    made._caller = caller
    return made


async def test_parameters_agree_with_signatures() -> None:
    """The types of an operation's parameters are those of the method that makes the call."""
    rh, caller = ReturnHelper("k", "t"), Caller()
    for bound in BOUND:
        resource = _with_caller(getattr(rh, bound.resource), caller)
        with pytest.raises(Stop), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            await outcome(bound.repeat(types.SimpleNamespace(**{bound.resource: resource})))
        hints = typing.get_type_hints(getattr(resource, bound.method))
        for name, annotation in caller.operation.params.annotations.items():
            holder = types.SimpleNamespace(__annotations__={name: annotation})
            bare = typing.get_type_hints(holder)[name]
            assert hints[name] in (bare, bare | None), (bound, name)


async def test_none_is_not_sent() -> None:
    """What is optional and None is left out of the request."""
    async with recording() as (recorder, rh):
        recorder.response = b'{"meta": {"status": 200}, "returnRequestId": 11}'
        await rh.return_requests.update_remark(11, remarks=None, options=RequestOptions())
    assert recorder.seen[0].body == b'{"returnRequestId":11}'

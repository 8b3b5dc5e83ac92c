"""Load a public name when it is first used: `__getattr__`, `__dir__` and `__all__` of a package (PEP 562), and properties."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functools import cached_property

    lazy_property = cached_property
else:

    class lazy_property(property):  # noqa: N801 - a decorator
        """Like `functools.cached_property`, but a property to `help`, which thus shows its docstring."""

        def __get__(self, instance: object, owner: type | None = None) -> object:
            if instance is None:
                return self
            name = self.fget.__name__
            try:
                return instance.__dict__[name]
            except KeyError:
                value = instance.__dict__[name] = self.fget(instance)
                return value

        def __set__(self, instance: object, value: object) -> None:
            instance.__dict__[self.fget.__name__] = value

        def __delete__(self, instance: object) -> None:
            instance.__dict__.pop(self.fget.__name__, None)


def load(module: str, name: str, *, package: str | None = None) -> object:
    """Import a module, written as for `importlib.import_module`, and return one of its names."""
    value: object = getattr(import_module(module, package), name)
    return value


def lazy_exports(
    package: str, exports: Mapping[str, Iterable[str]], *loaded: str
) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Return the `__getattr__`, `__dir__` and `__all__` of a package whose names are loaded late.

    `exports` maps a module, written as in a relative import (`.client`, `..errors`), to the names that it defines. A
    module that is exported itself stands under its own name: `{".events": ("events", "Event")}`. `loaded` are public
    names that the package has already.
    """
    namespace = vars(sys.modules[package])
    module_of = {name: module for module, names in exports.items() for name in names}

    def getattribute(name: str) -> object:
        module = module_of.get(name)
        if module is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = (
            import_module(module, package) if module == f".{name}" else load(module, name, package=package)
        )
        namespace[name] = value  # later uses find it without this function
        return value

    listed = sorted((*loaded, *module_of))
    return getattribute, listed.copy, listed

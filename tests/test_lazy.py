"""Packages load their public names on first use."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module

import pytest

PACKAGES = ["returnhelper", "returnhelper.inbox", "returnhelper.webhooks", "returnhelper.webhooks.events"]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_can_be_loaded(package: str) -> None:
    """`__all__` and `dir()` list the same names, and each of them exists."""
    module = import_module(package)
    assert dir(module) == sorted(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is getattr(module, name)


@pytest.mark.parametrize("package", PACKAGES)
def test_an_unknown_name_is_an_attribute_error(package: str) -> None:
    """The error names the package and the attribute, as for any module."""
    with pytest.raises(AttributeError, match=rf"module '{package}' has no attribute 'nonsense'"):
        import_module(package).nonsense  # noqa: B018


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_see_the_names_that_can_be_loaded(package: str) -> None:
    """A name that is exported is imported for type checkers too, under that name and from the same place."""
    module = import_module(package)
    seen: set[str] = set()
    nodes = ast.walk(ast.parse(inspect.getsource(module)))
    for node in (node for node in nodes if isinstance(node, ast.ImportFrom)):
        for alias in node.names:
            source = import_module("." * node.level + (node.module or ""), package)
            if alias.name == "*":
                public = (name for name, value in vars(source).items() if inspect.isclass(value))
                seen |= {name for name in public if vars(source)[name].__module__ == source.__name__}
            elif alias.asname == alias.name:
                assert getattr(source, alias.name) is getattr(module, alias.name)
                seen.add(alias.name)
    assert seen == set(module.__all__)

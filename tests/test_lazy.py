"""Packages load their public names on first use."""

from __future__ import annotations

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

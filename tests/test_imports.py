"""The import graph of the package."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

import grimp
import pytest


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Map each module to those it imports: at the top, inside functions and for type checkers alike."""
    graph = grimp.build_graph("returnhelper", cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def cycles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Return one cycle after the other, each time without the imports of those found before."""
    remaining = {module: set(imported) for module, imported in imports.items()}
    found = []
    while True:
        try:
            TopologicalSorter(remaining).prepare()
        except CycleError as error:
            # graphlib lists a cycle from the imported module to the importing one, its first module twice
            cycle = error.args[1]
            found.append(cycle)
            for imported, importer in pairwise(cycle):
                remaining[importer].discard(imported)
        else:
            return found


def test_no_modules_import_each_other(imports: dict[str, set[str]]) -> None:
    """No two modules import each other, directly or through others, not even lazily."""
    assert cycles(imports) == []


def test_a_cycle_would_be_found() -> None:
    """The search finds a cycle of three modules, and a second one beside it."""
    imports = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"c"}, "e": {"a"}}
    assert sorted(map(frozenset, cycles(imports)), key=len) == [{"c", "d"}, {"a", "b", "c"}]


def test_private_modules_stay_inside_their_package(imports: dict[str, set[str]]) -> None:
    """A module whose name begins with an underscore is imported only by modules of its own package."""
    crossings = {
        f"{module} -> {imported}"
        for module, targets in imports.items()
        for imported in targets
        if any(
            part.startswith("_") and not module.startswith(".".join(imported.split(".")[:depth]))
            for depth, part in enumerate(imported.split("."))
        )
    }
    assert crossings == set()

"""How the documentation is built."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from returnhelper import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "returnhelper"
author = "The returnhelper authors"
copyright = "2026, the returnhelper authors"
release = __version__
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
myst_heading_anchors = 3

# a page that lists others, the folder of these, and what a line of the list looks like
LISTS = {
    "index": ("", r"^\| \[[^]]+\]\((\w[\w-]*)\.md\)"),
    "architecture": ("decisions/", r"^- \[[^]]+\]\((decisions/[\w-]+)\.md\)"),
}


def setup(app: Sphinx) -> None:
    """Adapt the pages, which are written to be read as they are: a sidebar, and files beside the pages as downloads."""
    app.connect("source-read", _adapt)


def _adapt(app: Sphinx, name: str, source: list[str]) -> None:
    source[0] = re.sub(
        r"\[([^]]+)\]\(((?:\.\./)+[\w/]+\.md)(?:#[\w-]+)?\)",
        lambda link: (
            link[0]
            if (Path(app.srcdir, name).parent / link[2]).resolve().is_relative_to(app.srcdir)
            else f"{{download}}`{link[1]} <{link[2]}>`"
        ),
        source[0],
    )
    folder, item = LISTS.get(name, ("", ""))
    if item:
        pages = dict.fromkeys(re.findall(item, source[0], re.MULTILINE))
        listed = {page.stem for page in Path(app.srcdir, folder).glob("*.md")} - {"index"}
        assert {page.removeprefix(folder) for page in pages} == listed
        source[0] += "\n```{toctree}\n:hidden:\n\n" + "\n".join(pages) + "\n```\n"

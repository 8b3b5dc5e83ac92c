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


def setup(app: Sphinx) -> None:
    """Adapt the pages, which are written to be read as they are: a sidebar, and files beside the pages as downloads."""
    app.connect("source-read", _adapt)


def _adapt(app: Sphinx, name: str, source: list[str]) -> None:
    source[0] = re.sub(r"\[([^]]+)\]\((\.\./[\w/]+\.md)\)", r"{download}`\1 <\2>`", source[0])
    if name == "index":
        pages = dict.fromkeys(re.findall(r"^\| \[[^]]+\]\((\w[\w-]*)\.md\)", source[0], re.MULTILINE))
        assert {*pages, "index"} == {page.stem for page in Path(app.srcdir).glob("*.md")}
        source[0] += "\n```{toctree}\n:hidden:\n\n" + "\n".join(pages) + "\n```\n"

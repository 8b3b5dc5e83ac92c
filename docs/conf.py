"""How the documentation is built."""

from __future__ import annotations

from returnhelper import __version__

project = "returnhelper"
author = "The returnhelper authors"
copyright = "2026, the returnhelper authors"
release = __version__
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
myst_heading_anchors = 3

"""The documentation is true: its examples run, its links have a target, its commands exist."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from returnhelper import RequestOptions, RetryPolicy, ReturnHelper, Timeouts
from returnhelper.cli import main
from returnhelper.emulator import Emulator
from returnhelper.inbox import Worker
from returnhelper.webhooks import events

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)
RUN = "<!-- run -->"


class Block(NamedTuple):
    """A fenced block: its line, its language, its code, and whether it is executed."""

    line: int
    language: str
    code: str
    run: bool


def blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    text = page.read_text("utf-8")
    for found in re.finditer(
        r"^(?P<run><!-- run -->\n)?(?P<indent> *)```(?P<language>\w+)\n(?P<code>.*?)^ *```$",
        text,
        re.DOTALL | re.MULTILINE,
    ):
        line = text.count("\n", 0, found.start("code")) + 1
        code = inspect.cleandoc("\n" + found["code"]) if found["indent"] else found["code"]
        yield Block(line, found["language"], code, found["run"] is not None)


def compiled(page: Path, block: Block) -> types.CodeType:
    """Compile a block as `python -m asyncio` does, with the line numbers of the page."""
    tree = ast.parse("\n" * (block.line - 1) + block.code, page.name)
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    return compile(tree, str(page.relative_to(ROOT)), "exec", flags=flags, dont_inherit=True)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as the usual renderers write them."""
    prose = re.sub(r"^ *```.*?^ *```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def named(page: Path) -> str:
    return page.name


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_example_compiles(page: Path) -> None:
    """Every Python block compiles."""
    for block in blocks(page):
        if block.language == "python":
            compiled(page, block)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_import_of_the_examples_works(page: Path) -> None:
    """Every import of an example works, and every event that a page names exists."""
    for block in blocks(page):
        if block.language != "python":
            continue
        found = [n for n in ast.walk(ast.parse(block.code)) if isinstance(n, ast.Import | ast.ImportFrom)]
        for statement in found:
            exec(ast.unparse(statement), {})
    for name in re.findall(r"\bevents\.([A-Z]\w+)", page.read_text("utf-8")):
        assert issubclass(getattr(events, name), events.Event), name


@pytest.mark.parametrize(
    ("page", "described", "left_out"),
    [
        ("calling.md", ReturnHelper, {"api_key", "api_token"}),
        ("calling.md", RequestOptions, set()),
        ("calling.md", RetryPolicy, {"random"}),
        ("calling.md", Timeouts, set()),
        ("inbox.md", Worker, {"inbox", "router", "clock", "elapsed", "sleep", "uniform"}),
        ("emulator.md", Emulator, {"clock", "sleep"}),
    ],
)
def test_every_argument_is_described(page: str, described: type, left_out: set[str]) -> None:
    """The pages name every argument of what they describe, with its real default."""
    text = (DOCS / page).read_text("utf-8")
    for parameter in inspect.signature(described).parameters.values():
        if parameter.name not in left_out:
            assert re.search(rf"[`(,: ]{parameter.name}[`=(]", text), parameter.name
            row = re.search(rf"^\| `{parameter.name}` \| (\d[\d.]*) \|", text, re.MULTILINE)
            if row and described is not ReturnHelper:
                assert float(row[1]) == float(parameter.default), parameter.name


def test_every_mark_stands_before_an_example() -> None:
    """Every mark stands before a Python block."""
    for page in PAGES:
        marked = [block for block in blocks(page) if block.run]
        assert all(block.language == "python" for block in marked), page.name
        assert len(marked) == page.read_text("utf-8").count(RUN), page.name


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(block.run for block in blocks(page))], ids=named
)
async def test_the_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The marked blocks of a page run in order against the emulator, with `rh`, `emu` and `request` defined."""
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType("a_page")
    monkeypatch.setitem(sys.modules, "a_page", module)
    async with (
        asyncio.timeout(60),
        Emulator() as emu,
        ReturnHelper("emulator-key", "emulator-token", environment=emu.environment) as rh,
    ):
        request = await first_request(rh)
        module.__dict__.update(emu=emu, rh=rh, request=request)
        for block in blocks(page):
            if not block.run:
                continue
            result = eval(compiled(page, block), module.__dict__)
            if inspect.isawaitable(result):
                await result


async def first_request(rh: ReturnHelper) -> object:
    """Return the request that the page about calls builds, so that it is written once."""
    page = DOCS / "calling.md"
    block = next(
        block for block in blocks(page) if block.run and "CreateReturnShipmentRequest(" in block.code
    )
    namespace: dict[str, object] = {"rh": rh}
    await eval(compiled(page, block), namespace)
    return namespace["request"]


@pytest.mark.parametrize(
    "page",
    [*PAGES, *(ROOT / f"{name}.md" for name in ("CHANGELOG", "CONTRIBUTING", "SECURITY", "examples/README"))],
    ids=named,
)
def test_every_link_has_a_target(page: Path) -> None:
    """Every relative link has a file, and every anchor a heading."""
    prose = re.sub(r"^ *```.*?^ *```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


def test_every_page_is_listed() -> None:
    """The index links to every page, and the page about the architecture to every decision."""
    for listing, pages in (("index.md", DOCS.glob("*.md")), ("architecture.md", DOCS.glob("decisions/*.md"))):
        text = (DOCS / listing).read_text("utf-8")
        for page in pages:
            assert page.name == listing or f"({page.relative_to(DOCS).as_posix()})" in text, page.name


def test_the_threat_model_names_tests_that_exist() -> None:
    """Every threat names a test, and every named test exists."""
    page = (DOCS / "security.md").read_text("utf-8")
    threats = page.partition("## Deliveries")[2].partition("## What you must set up")[0]
    rows = {row for row in threats.splitlines() if row.startswith("| ")}
    assert len(rows) > 10
    assert {row for row in rows if "`tests/" not in row} == {
        "| threat | defence | test |",
        "| --- | --- | --- |",
    }
    for path, _, name in re.findall(r"`(tests/[\w/.]+)(::(\w+))?`", page):
        assert (ROOT / path).exists(), path
        assert not name or f"def {name}(" in (ROOT / path).read_text("utf-8"), (path, name)


def test_the_reasons_of_held_records_are_those_of_the_package() -> None:
    """Every beginning of a reason on the page about operation is a text of the package."""
    page = (DOCS / "operation.md").read_text("utf-8")
    rows = page.partition("| it begins with |")[2].partition("\n\n")[0]
    reasons = [text for row in rows.splitlines()[2:] for text in re.findall(r"`([^`]+)`", row.split("|")[1])]
    source = "".join(path.read_text("utf-8") for path in (ROOT / "returnhelper").rglob("*.py"))
    assert len(reasons) >= 6
    assert [reason for reason in reasons if f'"{reason}' not in source] == []


def commands() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield every command line that a page shows: its page, its verb, its options."""
    for page in PAGES:
        text = page.read_text("utf-8").replace("\\\n", " ")
        for line in re.findall(r"(?:\$ (?:\w+=\S+ )*|`)returnhelper +([^\n`]+)", text):
            words = line.split()
            verb = "" if words[0].startswith("-") else words[0]
            yield page.name, verb, tuple(re.findall(r"(?<=\s)--[a-z-]+", f" {line}"))


@pytest.mark.parametrize(("page", "verb", "options"), sorted(set(commands())))
def test_every_command_exists(page: str, verb: str, options: tuple[str, ...]) -> None:
    """Every command that a page shows exists, with its options."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.raises(SystemExit) as left:
        main([*([verb] if verb else []), "--help"])
    assert left.value.code == 0, page
    for option in options:
        assert re.search(rf"{option}\b(?!-)", said.getvalue()), (page, verb, option)


def test_the_options_of_the_commands_are_all_described() -> None:
    """The page about the command line names every option of every verb."""
    page = (DOCS / "command-line.md").read_text("utf-8")
    for verb in ("demo", "emulator", "diagnose"):
        said = io.StringIO()
        with contextlib.redirect_stdout(said), pytest.raises(SystemExit):
            main([verb, "--help"])
        missing = [o for o in re.findall(r"--[a-z-]+", said.getvalue()) if o != "--body" and o not in page]
        assert missing == [], verb

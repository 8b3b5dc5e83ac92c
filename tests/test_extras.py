"""What is missing is named, with the command that installs it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("module", "name", "extra"), [("asyncpg", "PostgresInbox", "postgres"), ("redis", "RedisInbox", "redis")]
)
def test_a_store_whose_package_is_missing(module: str, name: str, extra: str) -> None:
    """A store whose package is not installed says which extra to install, for a checkout and for an index."""
    code = (
        f"import sys; sys.modules['{module}'] = sys.modules['{module}.asyncio'] = None\n"
        f"import returnhelper.inbox as inbox\n"
        f"try: inbox.{name}('{extra}ql://127.0.0.1/x')\n"
        f"except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert f'{name} needs {module}: pip install ".[{extra}]" in a checkout' in done.stdout
    assert f'pip install "returnhelper[{extra}]"' in done.stdout
    assert (
        extra
        in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    )
    assert f"`{extra}`" in (ROOT / "README.md").read_text("utf-8")

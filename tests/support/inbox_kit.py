"""Private servers on free ports, and small things the inbox tests share."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from returnhelper.inbox import Inbox, MemoryInbox, PostgresInbox, Record, RedisInbox, SQLiteInbox

STORES = ("memory", "sqlite", "postgres", "redis")
LEASE = timedelta(seconds=30)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def need(path: str | None, what: str) -> str:
    """Return the path of a server program; skip the test without it, or fail where servers are required."""
    if path:
        return path
    if os.environ.get("RETURNHELPER_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{what} is not installed, and RETURNHELPER_REQUIRE_SERVERS=1")
    pytest.skip(f"{what} is not installed")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processes() -> list[tuple[int, int, str]]:
    """Return process id, parent and state of every process."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True
    )
    return [
        (int(pid), int(parent), state) for pid, parent, state in map(str.split, listed.stdout.splitlines())
    ]


def children(parent: int) -> set[int]:
    return {pid for pid, its_parent, _ in processes() if its_parent == parent}


def living() -> set[int]:
    return {pid for pid, _, state in processes() if not state.startswith("Z")}


def accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class Server:
    """A server process of our own that can be killed and started again on the same data and port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.home = Path(tempfile.mkdtemp(prefix="rh-inbox-"))
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def user(self) -> str | None:
        return None

    def is_up(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self.user(),
            cwd=self.home,
            start_new_session=True,
        )
        end = time.monotonic() + 60
        while not self.is_up():
            assert self.process.poll() is None, f"{self.command()[0]} ended"
            assert time.monotonic() < end, f"{self.command()[0]} does not respond"
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, as a crash would, with the processes it started, and wait until its port refuses."""
        assert self.process is not None
        pids = [self.process.pid, *children(self.process.pid)]  # a PostgreSQL backend outlives its postmaster
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        while set(pids) & living() or accepts(self.port):
            time.sleep(0.01)

    def close(self) -> None:
        if self.process is not None:
            self.kill()
        shutil.rmtree(self.home, ignore_errors=True)


class RedisServer(Server):
    def __init__(self) -> None:
        self.program = need(shutil.which("redis-server"), "redis-server")
        super().__init__()

    def command(self) -> Sequence[str]:
        options = f"--port {self.port} --bind 127.0.0.1 --appendonly yes --appendfsync always --save".split()
        return [self.program, *options, "", "--dir", str(self.home)]

    def is_up(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as line:
            line.sendall(b"PING\r\n")
            return line.recv(16).startswith(b"+PONG")
        return False

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"


class PostgresServer(Server):
    def __init__(self) -> None:
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))  # noqa: PTH207
        self.program = need(found[-1] if found else shutil.which("postgres"), "postgres")
        super().__init__()
        if user := self.user():
            shutil.chown(self.home, user)
        initdb = [str(Path(self.program).with_name("initdb")), "-D", str(self.home / "data"), "-U", "rh"]
        subprocess.run(
            [*initdb, "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"],
            check=True,
            stdout=subprocess.DEVNULL,
            user=self.user(),
            cwd=self.home,
        )

    def user(self) -> str | None:
        return "postgres" if os.geteuid() == 0 else None  # it refuses to run as root

    def command(self) -> Sequence[str]:
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories="]
        return [self.program, "-D", str(self.home / "data"), *(f"--{option}" for option in options)]

    def is_up(self) -> bool:
        check = str(Path(self.program).with_name("pg_isready"))
        run = subprocess.run(
            [check, "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False, stdout=subprocess.DEVNULL
        )
        return run.returncode == 0

    @property
    def url(self) -> str:
        return f"postgresql://rh@127.0.0.1:{self.port}/postgres"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


def record(key: str | None = None, **given: Any) -> Record:
    """Return a record with the necessary members."""
    members: dict[str, Any] = {"key": key or uuid4().hex, "body": b"{}", "received_at": NOON} | given
    return Record(**members)


def make_inbox(kind: str, where: str, clock: Callable[[], datetime] | None = None, name: str = "") -> Inbox:
    """Return an inbox of that kind; the same where and name give the same records."""
    given: dict[str, Any] = {} if clock is None else {"clock": clock}
    match kind:
        case "memory":
            return MemoryInbox(**given)
        case "sqlite":
            return SQLiteInbox(where, poll=0.05, **given)
        case "postgres":
            return PostgresInbox(where, table=f"rh_{name}", **given)
        case _:
            return RedisInbox(where, name=name, **given)

"""A streaming replica of a private PostgreSQL server, which can be promoted."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.support.inbox_kit import PostgresServer, Server


class PostgresReplica(PostgresServer):
    """Follow a server; ``line`` is the port by which it reaches that one."""

    def __init__(self, primary: PostgresServer, line: int) -> None:
        Server.__init__(self)
        self.program = primary.program
        if user := self.user():
            shutil.chown(self.home, user)
        copy = [self._tool("pg_basebackup"), "-h", "127.0.0.1", "-p", str(primary.port), "-U", "rh"]
        subprocess.run(
            [*copy, "-D", str(self.home / "data"), "-R", "--checkpoint=fast", "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
            user=self.user(),
            cwd=self.home,
        )
        with (self.home / "data" / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"primary_conninfo = 'host=127.0.0.1 port={line} user=rh'\n")

    def promote(self) -> None:
        subprocess.run(
            [self._tool("pg_ctl"), "promote", "-D", str(self.home / "data"), "-w"],
            check=True,
            stdout=subprocess.DEVNULL,
            user=self.user(),
            cwd=self.home,
        )

    def _tool(self, name: str) -> str:
        return str(Path(self.program).with_name(name))

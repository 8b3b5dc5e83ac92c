"""A private PgBouncer in front of a private PostgreSQL server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from tests.support.inbox_kit import PostgresServer, Server, accepts, need


class PgBouncer(Server):
    def __init__(self, behind: PostgresServer, *, mode: str = "transaction") -> None:
        self.program = need(shutil.which("pgbouncer"), "pgbouncer")
        super().__init__()
        self.behind = behind
        (self.home / "users.txt").write_text('"rh" ""\n')
        (self.home / "pgbouncer.ini").write_text(
            f"""
            [databases]
            postgres = host=127.0.0.1 port={behind.port} dbname=postgres user=rh
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {self.port}
            unix_socket_dir =
            auth_type = trust
            auth_file = {self.home / "users.txt"}
            pool_mode = {mode}
            ignore_startup_parameters = extra_float_digits
            """.replace("            ", "")
        )
        if user := self.user():
            for path in (self.home, *self.home.iterdir()):
                shutil.chown(path, user)

    def user(self) -> str | None:
        return "postgres" if os.geteuid() == 0 else None  # it refuses to run as root

    def command(self) -> Sequence[str]:
        return [self.program, str(self.home / "pgbouncer.ini")]

    def is_up(self) -> bool:
        return accepts(self.port)

    @property
    def url(self) -> str:
        return f"postgresql://rh@127.0.0.1:{self.port}/postgres"

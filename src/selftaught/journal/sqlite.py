"""Stores that are SQLite files of this machine."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, create_engine, func, select
from sqlalchemy import text as sql
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from selftaught.core.errors import ConfigError
from selftaught.journal.database import (
    LOCK_TIMEOUT_S,
    Access,
    Location,
    database_message,
    guarded_connection,
)
from selftaught.journal.file_lock import (
    file_lock_state,
    lock_file,
    read_file_holder,
    really_holds_file,
    unlock_file,
)
from selftaught.journal.holder import Holder, LockState
from selftaught.journal.migrations import migrate
from selftaught.journal.schema import create_tables, events, is_empty, schema_problem

_SWITCH_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class SqliteLocation(Location):
    """A database file.

    Attributes:
        path: the file, absolute.
    """

    path: Path

    begin = "BEGIN IMMEDIATE"
    insert_text = "INSERT INTO texts (id, text) VALUES (?, ?) ON CONFLICT DO NOTHING"
    insert_event = "INSERT INTO events (run_id, kind, key, at, body) VALUES (?, ?, ?, ?, ?)"

    def holds_something(self) -> bool:
        if not self.path.exists() or self.path.stat().st_size == 0:
            return False
        with guarded_connection(self, "read") as connection:  # its tables are made a moment later
            return not is_empty(connection)

    def check_writable(self, lock_timeout_s: float) -> None:
        try:
            _check_folder(self)
            self.path.stat()
        except FileNotFoundError:
            return
        except OSError as error:
            raise self.unusable("written", error) from None
        # With its log beside it, SQLite would find a read-only file out only as it writes.
        if not os.access(self.path, os.W_OK):
            raise self.refusal(f"{self.path} is read-only; give another store")
        with guarded_connection(self, "write", lock_timeout_s) as connection:
            connection.exec_driver_sql(self.begin)  # fails if the file cannot be written
            problem = None if is_empty(connection) else schema_problem(connection)
            connection.exec_driver_sql("ROLLBACK")
        if problem is not None:
            raise self.refusal(problem)

    def prepare(self, lock_timeout_s: float) -> None:
        try:
            self.path.touch(exist_ok=False)
            created = True
        except FileExistsError:
            created = False
        except OSError as error:
            raise self.refusal(f"it cannot be created ({error}); give another store") from None
        try:
            with guarded_connection(self, "write", lock_timeout_s) as connection:
                _log_ahead(connection)
                with self.transaction(connection):
                    create_tables(connection)
                    migrate(self, connection)
        except ConfigError:
            if created and self.path.stat().st_size == 0:
                self.path.unlink()
            raise
        if created:
            _sync_folder(self.path)

    def connect(self, access: Access, lock_timeout_s: float = LOCK_TIMEOUT_S) -> Connection:
        """See `Location.connect`; a file that can be written is opened to write even to read it,
        so that SQLite can remove its own side files at the end."""
        path = self.path
        if not path.is_file():
            reason = "it is not a file" if path.exists() else "there is no such file"
            start = "" if path.exists() else ", or start a run: selftaught run"
            raise self.refusal(f"{reason} ({path}): no runs here yet; give another store{start}")

        def open_database() -> sqlite3.Connection:
            mode = "mode=rw" if access == "write" else self._reading_mode()
            database = _opened(f"{path.as_uri()}?{mode}", lock_timeout_s)
            if access == "read":
                database.execute("PRAGMA query_only=1")
            return database

        return _connected(open_database)

    def connect_migrated(self) -> Connection:
        if self._is_writable():
            with guarded_connection(self, "write") as connection, self.transaction(connection):
                migrate(self, connection)
            return self.connect("read")
        copy = self._connect_copy()
        with self.transaction(copy):
            migrate(self, copy)
        return copy

    def is_in_transaction(self, connection: Connection) -> bool:
        database: Any = connection.connection.driver_connection
        return bool(database.in_transaction)

    def unusable(
        self, verb: Literal["read", "written"], error: SQLAlchemyError | OSError
    ) -> ConfigError:
        way_out = "give another store"
        if verb == "read" and not self._is_writable() and os.path.lexists(self._log()):
            log = self._log()
            way_out = (
                f"it is being written, or its writer was killed, and you cannot write {log.parent}"
            )
            way_out += f": copy it and {log.name} to a folder of yours, and read the copy"
        return self.refusal(f"it cannot be {verb} ({database_message(error)}); {way_out}")

    def set_durable(self, connection: Connection, durable: bool) -> None:
        connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")

    def identity(self) -> object:
        """The file, which SQLite would go on writing when nobody can find it any more."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

    @contextmanager
    def hold(self, run_id: str) -> Iterator[None]:
        path = self._lock_path(run_id)
        try:
            descriptor = lock_file(path)
        except BlockingIOError:
            raise self.refusal_of_held(run_id, read_file_holder(path)) from None
        except OSError as error:
            raise self.refusal(f"run {run_id} cannot be locked ({error})") from None
        try:
            yield
        finally:
            unlock_file(path, descriptor)

    def lock_state(self, run_id: str) -> LockState:
        return file_lock_state(self._lock_path(run_id))

    def really_holds(self, run_id: str, holder: Holder) -> bool:
        return really_holds_file(self._lock_path(run_id), holder)

    def missing_events(self, connection: Connection) -> list[str]:
        """Gaps between the places that SQLite gave; it remembers the highest one."""
        before = func.lag(events.c.seq, 1, 0).over(order_by=events.c.seq)
        each = select(before.label("before"), events.c.seq).subquery()
        gaps = select(each.c.before, each.c.seq).where(each.c.seq > each.c.before + 1)
        found = [(int(row.before) + 1, int(row.seq) - 1) for row in connection.execute(gaps)]
        highest = sql("SELECT max(seq) FROM sqlite_sequence WHERE name = 'events'")
        given = int(connection.execute(highest).scalar() or 0)
        last = int(connection.execute(select(func.max(events.c.seq))).scalar() or 0)
        if given > last:
            found.append((last + 1, given))
        return [
            f"event {a} is missing" if a == b else f"events {a} to {b} are missing"
            for a, b in found
        ]

    def problems(self, connection: Connection) -> list[str]:
        """What SQLite finds wrong with its own file."""
        said = [str(row[0]) for row in connection.execute(sql("PRAGMA integrity_check"))]
        return [] if said == ["ok"] else said

    def _lock_path(self, run_id: str) -> Path:
        """The same for every name of the database."""
        database = self.path.resolve()
        return database.with_name(f"{database.name}.{run_id}.lock")

    def _connect_copy(self) -> Connection:
        """Open a copy of the database in memory, to change what cannot be written."""

        def open_database() -> sqlite3.Connection:
            copy = _opened(":memory:", LOCK_TIMEOUT_S)
            with closing(_opened(f"{self.path.as_uri()}?{self._reading_mode()}", 0)) as stored:
                stored.backup(copy)
            return copy

        return _connected(open_database)

    def _is_writable(self) -> bool:
        """Whether this user can write the file, and beside it."""
        path = self.path.resolve()
        return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)

    def _reading_mode(self) -> str:
        """SQLite writes beside a file also to read it, unless it is told that nobody changes the
        file: so it is, where its writer has closed it, which removes the log."""
        if self._is_writable():
            return "mode=rw"
        return "mode=ro" if self._log().exists() else "mode=ro&immutable=1"

    def _log(self) -> Path:
        database = self.path.resolve()
        return database.with_name(f"{database.name}-wal")


def _opened(uri: str, lock_timeout_s: float) -> sqlite3.Connection:
    return sqlite3.connect(
        uri, uri=True, timeout=lock_timeout_s, isolation_level=None, check_same_thread=False
    )


def _connected(open_database: Callable[[], sqlite3.Connection]) -> Connection:
    engine = create_engine(
        "sqlite+pysqlite://",
        creator=open_database,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
    )
    return engine.connect()


def _log_ahead(connection: Connection) -> None:
    """Switch to write-ahead logging, under which readers and the writer do not wait for each other.

    The switch of a new file fails at once if another process is at the same; it is soon over.
    """
    give_up_at = time.monotonic() + _SWITCH_TIMEOUT_S
    while True:
        try:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            return
        except OperationalError as error:
            if "locked" not in str(error.orig) or time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _check_folder(location: SqliteLocation) -> None:
    folder = location.path.parent
    if not folder.exists():
        raise location.refusal(f"the folder {folder} does not exist; create it")
    if not folder.is_dir():
        raise location.refusal(f"{folder} is not a folder; give another store")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise location.refusal(f"the folder {folder} cannot be written to; give another store")

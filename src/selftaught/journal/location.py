"""Where a store is, and connections to it: URLs, paths and the checks before anything is written.

Every refusal is a ConfigError of one line that names the store, the reason and the way out.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from selftaught.core.errors import ConfigError
from selftaught.journal.schema import is_empty, schema_problem

DEFAULT_STORE = "sqlite:///selftaught.db"
_EXAMPLE = f"write it as {DEFAULT_STORE} or sqlite:////absolute/path.db"
LOCK_TIMEOUT_S = 60.0

Access = Literal["write", "read"]


@dataclass(frozen=True, slots=True)
class Location:
    """A store's address.

    Attributes:
        url: as it is shown to people: one line, without a password.
        path: the database file.
    """

    url: str
    path: Path

    def refusal(self, reason: str) -> ConfigError:
        """The error that this store cannot be used, in one line."""
        return ConfigError(one_line(f"store {self.url}: {reason}"))


def one_line(text: str) -> str:
    """The text with every run of white space, line ends included, as one blank."""
    return " ".join(text.split())


def database_message(error: SQLAlchemyError | OSError) -> str:
    """What the database itself said, in one line."""
    return one_line(str(error.orig if isinstance(error, DBAPIError) else error))


def locate(url: str) -> Location:
    """The place that a URL names; touches nothing.

    Raises: ConfigError.
    """
    try:
        parsed = make_url(url)
        shown = one_line(parsed.render_as_string(hide_password=True))
    except (ArgumentError, ValueError, TypeError, AttributeError):
        shown = re.sub(r"//.*@", "//***@", repr(url))
        raise ConfigError(f"store {shown} is not a database URL; {_EXAMPLE}") from None
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise ConfigError(f"store {shown}: only SQLite stores are known; {_EXAMPLE}")
    if parsed.host or parsed.query:
        raise ConfigError(f"store {shown}: a URL takes a path and nothing else; {_EXAMPLE}")
    path = parsed.database
    if not path or path == ":memory:" or "\0" in path:
        raise ConfigError(f"store {shown}: it names no file; {_EXAMPLE}")
    return Location(shown, Path(path).absolute())


def check_writable(url: str, lock_timeout_s: float = LOCK_TIMEOUT_S) -> Location:
    """Whether a run could write to this store, without creating or changing anything.

    Raises: ConfigError if the URL is wrong, the folder is missing or read-only, or the file is
        read-only, held by another process all the time, not a database, or not a journal of ours.
    """
    location = locate(url)
    try:
        _check_folder(location)
        location.path.stat()
    except FileNotFoundError:
        return location
    except OSError as error:
        raise _unusable(location, "written", error) from None
    # With its log beside it, SQLite would find a read-only file out only as it writes.
    if not os.access(location.path, os.W_OK):
        raise location.refusal(f"{location.path} is read-only; give another store")
    with guarded_connection(location, "write", lock_timeout_s) as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # fails if the file cannot be written
        problem = None if is_empty(connection) else schema_problem(connection)
        connection.exec_driver_sql("ROLLBACK")
    if problem is not None:
        raise location.refusal(problem)
    return location


@contextmanager
def guarded_connection(
    location: Location, access: Access, lock_timeout_s: float = LOCK_TIMEOUT_S
) -> Iterator[Connection]:
    """A connection, closed at the end, whose database errors are refusals of the store.

    Raises: ConfigError.
    """
    try:
        connection = connect(location, access, lock_timeout_s)
        try:
            yield connection
        finally:
            connection.close()
    except (SQLAlchemyError, OSError) as error:
        raise _unusable(location, "read" if access == "read" else "written", error) from None


def connect(
    location: Location, access: Access, lock_timeout_s: float = LOCK_TIMEOUT_S
) -> Connection:
    """Open the database; whoever calls this closes the connection.

    The connection is in autocommit: a transaction is begun where `transaction` says so, and a
    query alone holds no lock once its rows are fetched. `read` forbids every change, and needs no
    permission to write; where there is one, the file is opened to write all the same, so that
    SQLite can remove its own side files at the end.

    Raises: ConfigError if there is no such file; sqlalchemy's errors.
    """
    path = location.path
    if not path.is_file():
        reason = "it is not a file" if path.exists() else "there is no such file"
        start = "" if path.exists() else ", or start a run: selftaught run"
        raise location.refusal(f"{reason} ({path}): no runs here yet; give another store{start}")

    def open_database() -> sqlite3.Connection:
        mode = "mode=rw" if access == "write" else _reading_mode(location)
        database = _opened(f"{path.as_uri()}?{mode}", lock_timeout_s)
        if access == "read":
            database.execute("PRAGMA query_only=1")
        return database

    return _connected(open_database)


def connect_copy(location: Location) -> Connection:
    """Open a copy of the database in memory, to change what cannot be written; see `connect`."""

    def open_database() -> sqlite3.Connection:
        copy = _opened(":memory:", LOCK_TIMEOUT_S)
        with closing(_opened(f"{location.path.as_uri()}?{_reading_mode(location)}", 0)) as stored:
            stored.backup(copy)
        return copy

    return _connected(open_database)


def is_writable(location: Location) -> bool:
    """Whether this user can write the file, and beside it."""
    path = location.path.resolve()
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)


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


def _reading_mode(location: Location) -> str:
    """SQLite writes beside a file also to read it, unless it is told that nobody changes the file:
    so it is, where its writer has closed it, which removes the log."""
    if is_writable(location):
        return "mode=rw"
    return "mode=ro" if _log(location).exists() else "mode=ro&immutable=1"


def _log(location: Location) -> Path:
    database = location.path.resolve()
    return database.with_name(f"{database.name}-wal")


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """One write transaction: the lock is taken at its start, all or nothing is kept of it."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        yield
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        # A full disk ends the transaction by itself.
        if connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
            connection.exec_driver_sql("ROLLBACK")
        raise


def _unusable(
    location: Location, verb: Literal["read", "written"], error: SQLAlchemyError | OSError
) -> ConfigError:
    way_out = "give another store"
    if verb == "read" and not is_writable(location) and os.path.lexists(_log(location)):
        log = _log(location)
        way_out = (
            f"it is being written, or its writer was killed, and you cannot write {log.parent}"
        )
        way_out += f": copy it and {log.name} to a folder of yours, and read the copy"
    return location.refusal(f"it cannot be {verb} ({database_message(error)}); {way_out}")


def _check_folder(location: Location) -> None:
    folder = location.path.parent
    if not folder.exists():
        raise location.refusal(f"the folder {folder} does not exist; create it")
    if not folder.is_dir():
        raise location.refusal(f"{folder} is not a folder; give another store")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise location.refusal(f"the folder {folder} cannot be written to; give another store")

"""Which store a URL names, and whether a run could write to it."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from selftaught.core.errors import ConfigError
from selftaught.core.text import one_line
from selftaught.journal.database import LOCK_TIMEOUT_S, Location
from selftaught.journal.sqlite import SqliteLocation

DEFAULT_STORE = "sqlite:///selftaught.db"
_EXAMPLE = f"write it as {DEFAULT_STORE} or sqlite:////absolute/path.db"
_SERVER_EXAMPLE = "write it as postgresql+psycopg://user@host/database"


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
    match parsed.drivername:
        case "sqlite" | "sqlite+pysqlite":
            return _file(parsed, shown)
        case "postgresql" | "postgresql+psycopg":
            return _server(parsed)
    raise ConfigError(
        f"store {shown}: only SQLite and PostgreSQL stores are known; {_EXAMPLE}, or "
        f"{_SERVER_EXAMPLE.removeprefix('write it as ')}"
    )


def check_writable(url: str, lock_timeout_s: float = LOCK_TIMEOUT_S) -> Location:
    """Whether a run could write to this store, without creating or changing anything.

    Raises: ConfigError if the URL is wrong, the folder is missing or read-only, or the database is
        read-only, held by another process all the time, out of reach, or no journal of ours.
    """
    location = locate(url)
    location.check_writable(lock_timeout_s)
    return location


def _file(parsed: URL, shown: str) -> Location:
    if parsed.host or parsed.query:
        raise ConfigError(f"store {shown}: a URL takes a path and nothing else; {_EXAMPLE}")
    path = parsed.database
    if not path or path == ":memory:" or "\0" in path:
        raise ConfigError(f"store {shown}: it names no file; {_EXAMPLE}")
    return SqliteLocation(shown, Path(path).absolute())


def _server(parsed: URL) -> Location:
    from selftaught.journal.postgresql import PostgresqlLocation

    shown = one_line(parsed.set(password=None).render_as_string())
    if not parsed.database:
        raise ConfigError(f"store {shown}: it names no database; {_SERVER_EXAMPLE}")
    return PostgresqlLocation(shown, parsed.set(drivername="postgresql+psycopg"))

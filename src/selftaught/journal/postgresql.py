"""Stores in a PostgreSQL server, to which several machines write, each its own runs.

Events of a run are in the order of its one writer, who commits them one group after the other; so
who follows a run by the place of the last event misses none, whatever others write meanwhile. That
there is one writer is an advisory lock of the server, which ends with its connection, and a number,
the epoch, that rises with every holder: who lost the lock and does not know it yet writes no more.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from sqlalchemy import Boolean, ColumnElement, Connection, create_engine, literal_column
from sqlalchemy import text as sql
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from selftaught.core.errors import ConfigError
from selftaught.journal.database import (
    LOCK_TIMEOUT_S,
    Access,
    Location,
    database_message,
    guarded_connection,
)
from selftaught.journal.file_lock import forget_descriptor, keep_from_forks
from selftaught.journal.holder import Holder, LockState, read_holder, told_holder
from selftaught.journal.migrations import migrate
from selftaught.journal.schema import create_tables, is_empty, schema_problem

_CONNECT_TIMEOUT_S = 10
_ABSENT = "PostgreSQL needs a package that is not installed: pip install 'selftaught[postgresql]'"

_CREATE_WRITERS = """
CREATE TABLE IF NOT EXISTS writers (
    run_id TEXT PRIMARY KEY, epoch BIGINT NOT NULL, events BIGINT NOT NULL, holder TEXT NOT NULL
)"""
_TAKE_OVER = sql(
    "INSERT INTO writers VALUES (:run_id, 1, 0, :holder) ON CONFLICT (run_id) DO UPDATE "
    "SET epoch = writers.epoch + 1, holder = excluded.holder RETURNING epoch"
)
_LET_GO = sql("UPDATE writers SET holder = '' WHERE run_id = :run_id AND epoch = :epoch")
_COUNT = "UPDATE writers SET events = events + %s WHERE run_id = %s AND epoch = %s"
_COUNT_UNHELD = (
    "INSERT INTO writers VALUES (%s, 0, %s, '') ON CONFLICT (run_id) DO UPDATE "
    "SET events = writers.events + excluded.events"
)
_LACKING = sql(
    "SELECT w.run_id, w.events, count(e.seq) AS found FROM writers w "
    "LEFT JOIN events e ON e.run_id = w.run_id "
    "GROUP BY w.run_id, w.events HAVING count(e.seq) < w.events ORDER BY w.run_id"
)
# The process that has an advisory lock, by the name under which it connected.
_LOCKED_BY = sql(
    "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
    "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 "
    "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND (l.classid::bigint << 32) | l.objid::bigint = :lock"
)
_CAN_WRITE = sql(
    "SELECT pg_is_in_recovery() AS is_copy, current_setting('server_encoding') AS encoding, "
    "CASE WHEN to_regclass('events') IS NULL THEN has_schema_privilege(current_schema(), 'CREATE') "
    "ELSE has_table_privilege('events', 'INSERT') END AS may_write"
)

# Of the runs that this process holds, by store and run.
_epochs: dict[tuple[URL, str], int] = {}


@dataclass(frozen=True, slots=True)
class PostgresqlLocation(Location):
    """A database of a server.

    Attributes:
        address: with what it takes to connect; a password in it is shown nowhere.
    """

    address: URL

    begin = "BEGIN"
    # Written by a transaction before all that are under way, in which places may have been given.
    settled: ClassVar[ColumnElement[bool]] = literal_column(
        "age(events.xmin) > age(pg_snapshot_xmin(pg_current_snapshot())::xid)", Boolean
    )
    insert_text = "INSERT INTO texts (id, text) VALUES (%s, %s) ON CONFLICT DO NOTHING"
    insert_event = "INSERT INTO events (run_id, kind, key, at, body) VALUES (%s, %s, %s, %s, %s)"

    def holds_something(self) -> bool:
        with guarded_connection(self, "read") as connection:
            return not is_empty(connection)

    def check_writable(self, lock_timeout_s: float) -> None:
        with guarded_connection(self, "read", lock_timeout_s) as connection:
            problem = None if is_empty(connection) else schema_problem(connection)
            able = connection.execute(_CAN_WRITE).one()
        if problem is None and able.is_copy:
            problem = "the server is a copy that can only be read; give its primary"
        if problem is None and able.encoding != "UTF8":
            problem = f"its encoding is {able.encoding}; give a database of encoding UTF8"
        if problem is None and not able.may_write:
            problem = "this user may not write there; grant it, or give another store"
        if problem is not None:
            raise self.refusal(problem)

    def prepare(self, lock_timeout_s: float) -> None:
        with (
            guarded_connection(self, "write", lock_timeout_s) as connection,
            self.transaction(connection),
        ):
            # IF NOT EXISTS does not hold for two who create the same at once.
            connection.execute(
                sql("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _number_of("tables")}
            )
            create_tables(connection)
            connection.exec_driver_sql(_CREATE_WRITERS)
            migrate(self, connection)

    def connect(self, access: Access, lock_timeout_s: float = LOCK_TIMEOUT_S) -> Connection:
        try:
            engine = create_engine(
                self.address,
                poolclass=NullPool,
                isolation_level="AUTOCOMMIT",
                connect_args={
                    "connect_timeout": _CONNECT_TIMEOUT_S,
                    "application_name": _application(os.getpid()),
                    "client_encoding": "utf8",
                },
            )
        except ImportError:
            raise self.refusal(_ABSENT) from None
        connection = engine.connect()
        try:
            connection.exec_driver_sql(f"SET lock_timeout = {int(1000 * lock_timeout_s)}")
            if access == "read":
                connection.exec_driver_sql("SET default_transaction_read_only = on")
        except BaseException:
            connection.close()
            raise
        return connection

    def connect_migrated(self) -> Connection:
        self.prepare(LOCK_TIMEOUT_S)
        return self.connect("read")

    def is_in_transaction(self, connection: Connection) -> bool:
        from psycopg.pq import TransactionStatus

        database: Any = connection.connection.driver_connection
        return database.info.transaction_status in (
            TransactionStatus.INTRANS,
            TransactionStatus.INERROR,
        )

    def unusable(
        self, verb: Literal["read", "written"], error: SQLAlchemyError | OSError
    ) -> ConfigError:
        said = database_message(error).rstrip(".")
        return self.refusal(
            f"it cannot be {verb} ({said}); see whether the server is up and the URL is right, "
            "or give another store"
        )

    def insert_events(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """See `Location.insert_events`; counted, so that a missing one is found."""
        for run_id, count in sorted(Counter(str(row[0]) for row in rows).items()):
            epoch = _epochs.get((self.address, run_id))
            if epoch is None:
                connection.exec_driver_sql(_COUNT_UNHELD, (run_id, count))
            elif connection.exec_driver_sql(_COUNT, (count, run_id, epoch)).rowcount != 1:
                raise PermissionError(f"another process has taken over run {run_id}")
        Location.insert_events(self, connection, rows)

    def set_durable(self, connection: Connection, durable: bool) -> None:
        """Whatever the server does of itself; a commit that waits takes earlier ones with it."""
        connection.exec_driver_sql(f"SET synchronous_commit = {'on' if durable else 'off'}")

    @contextmanager
    def hold(self, run_id: str) -> Iterator[None]:
        self.prepare(LOCK_TIMEOUT_S)
        with ExitStack() as stack:
            try:
                connection = stack.enter_context(self.connect("write"))
                epoch = self._taken(connection, run_id)
            except (SQLAlchemyError, OSError) as error:
                raise self.unusable("written", error) from None
            database: Any = connection.connection.driver_connection
            descriptor: int = database.fileno()
            keep_from_forks(descriptor)
            _epochs[self.address, run_id] = epoch
            try:
                yield
            finally:
                del _epochs[self.address, run_id]
                forget_descriptor(descriptor)
                # Where the connection is gone, the lock is.
                with suppress(SQLAlchemyError):
                    connection.execute(_LET_GO, {"run_id": run_id, "epoch": epoch})

    def _taken(self, connection: Connection, run_id: str) -> int:
        """The epoch in which the connection holds the run. Raises: ConfigError if it cannot."""
        asked = {"lock": _number_of(run_id)}
        if not connection.execute(sql("SELECT pg_try_advisory_lock(:lock)"), asked).scalar():
            raise self.refusal_of_held(run_id, self.lock_state(run_id).holder)
        holding = {"run_id": run_id, "holder": told_holder()}
        return int(connection.execute(_TAKE_OVER, holding).scalar_one())

    def lock_state(self, run_id: str) -> LockState:
        with guarded_connection(self, "read") as connection:
            if connection.execute(sql("SELECT to_regclass('writers')")).scalar() is None:
                return LockState(False, None)
            locked_by = connection.execute(_LOCKED_BY, {"lock": _number_of(run_id)}).first()
            query = sql("SELECT holder FROM writers WHERE run_id = :run_id")
            said = connection.execute(query, {"run_id": run_id}).scalar()
        return LockState(locked_by is not None, read_holder(said or ""))

    def really_holds(self, run_id: str, holder: Holder) -> bool:
        with guarded_connection(self, "read") as connection:
            locked_by = connection.execute(_LOCKED_BY, {"lock": _number_of(run_id)}).scalar()
        return locked_by is not None and locked_by == _application(holder.pid)

    def missing_events(self, connection: Connection) -> list[str]:
        """Of each run, how many are fewer than its writers have counted."""
        return [
            f"{row.events - row.found} of the {row.events} events of run {row.run_id} are missing"
            for row in connection.execute(_LACKING)
        ]

    def problems(self, connection: Connection) -> list[str]:
        """None that could be asked for: its pages have checksums, where its owner wants them."""
        return []


def _number_of(name: str) -> int:
    """The advisory lock of a name: 63 bits, positive."""
    digest = hashlib.sha256(f"selftaught:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _application(pid: int) -> str:
    """What a process of this machine calls itself: a name that no other process ever has."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:  # it is gone
        return "selftaught"
    return f"selftaught {hashlib.sha256(f'{boot} {pid} {started}'.encode()).hexdigest()[:32]}"

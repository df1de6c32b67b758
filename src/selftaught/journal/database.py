"""What a run needs of a store, whichever database keeps it.

Every refusal is a ConfigError of one line that names the store, the reason and the way out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from sqlalchemy import ColumnElement, Connection, true
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from selftaught.core.errors import ConfigError
from selftaught.core.text import one_line
from selftaught.journal.holder import Holder, LockState

LOCK_TIMEOUT_S = 60.0

Access: TypeAlias = Literal["write", "read"]


@dataclass(frozen=True, slots=True)
class Location(ABC):
    """A store's address, and how its database is used.

    Attributes:
        url: as it is shown to people: one line, without a password.
    """

    url: str

    begin: ClassVar[str]
    # In the driver's own words: made of a table each time, they cost more than what they do.
    insert_text: ClassVar[str]
    insert_event: ClassVar[str]

    def refusal(self, reason: str) -> ConfigError:
        """The error that this store cannot be used, in one line."""
        return ConfigError(one_line(f"store {self.url}: {reason}"))

    def refusal_of_held(self, run_id: str, holder: Holder | None) -> ConfigError:
        who = holder or "another process"
        return self.refusal(f"run {run_id} is in progress, in {who}; wait for its end, or stop it")

    # --- the database

    @abstractmethod
    def holds_something(self) -> bool:
        """Whether any run may have been written here."""

    @abstractmethod
    def check_writable(self, lock_timeout_s: float) -> None:
        """See `location.check_writable`."""

    @abstractmethod
    def prepare(self, lock_timeout_s: float) -> None:
        """Create the database's tables, or migrate them, for a run. Raises: ConfigError."""

    @abstractmethod
    def connect(self, access: Access, lock_timeout_s: float = LOCK_TIMEOUT_S) -> Connection:
        """Open the database; whoever calls this closes the connection.

        The connection is in autocommit: a transaction is begun where `transaction` says so, and a
        query alone holds no lock once its rows are fetched. `read` forbids every change, and needs
        no permission to write.

        Raises: ConfigError if there is nothing to open; sqlalchemy's errors.
        """

    @abstractmethod
    def connect_migrated(self) -> Connection:
        """A connection to read a store of an older schema, which is migrated, or a copy is."""

    @contextmanager
    def transaction(self, connection: Connection) -> Iterator[None]:
        """One write transaction: all or nothing is kept of it."""
        connection.exec_driver_sql(self.begin)
        try:
            yield
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            # A full disk, or a server that is gone, ends the transaction by itself.
            if self.is_in_transaction(connection):
                connection.exec_driver_sql("ROLLBACK")
            raise

    @abstractmethod
    def is_in_transaction(self, connection: Connection) -> bool:
        """Whether there is one that can be rolled back."""

    @abstractmethod
    def unusable(
        self, verb: Literal["read", "written"], error: SQLAlchemyError | OSError
    ) -> ConfigError:
        """What to say where the database itself failed."""

    # --- the writer of a journal

    def insert_texts(self, connection: Connection, texts: Mapping[str, bytes]) -> None:
        """Keep texts that are not there yet, inside the caller's transaction.

        In the order of their ids, so that of two who write the same none waits for the other.
        """
        connection.exec_driver_sql(self.insert_text, sorted(texts.items()))

    def insert_events(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Append events (run, kind, key, time, body), inside the caller's transaction.

        Raises: PermissionError if another process has one of these runs now.
        """
        connection.exec_driver_sql(self.insert_event, [*rows])

    @abstractmethod
    def set_durable(self, connection: Connection, durable: bool) -> None:
        """Whether commits from now on are on the disk when they return."""

    def identity(self) -> object:
        """Equal as long as what is at this address is what was there before, if that can change."""
        return None

    # What can be read of the events of all runs, so that none of an earlier place follows.
    settled: ClassVar[ColumnElement[bool]] = true()

    # --- one process at a time writes a run

    @abstractmethod
    def hold(self, run_id: str) -> AbstractContextManager[None]:
        """See `run_lock.hold_run`."""

    @abstractmethod
    def lock_state(self, run_id: str) -> LockState:
        """See `run_lock.lock_state`."""

    @abstractmethod
    def really_holds(self, run_id: str, holder: Holder) -> bool:
        """See `run_lock.really_holds`."""

    # --- for `selftaught verify`

    @abstractmethod
    def missing_events(self, connection: Connection) -> list[str]:
        """What was taken out, such as "events 5 to 7 are missing"."""

    @abstractmethod
    def problems(self, connection: Connection) -> list[str]:
        """What the database finds wrong with its own files."""


def database_message(error: SQLAlchemyError | OSError) -> str:
    """What the database itself said, in one line."""
    return one_line(str(error.orig if isinstance(error, DBAPIError) else error))


@contextmanager
def guarded_connection(
    location: Location, access: Access, lock_timeout_s: float = LOCK_TIMEOUT_S
) -> Iterator[Connection]:
    """A connection, closed at the end, whose database errors are refusals of the store.

    Raises: ConfigError.
    """
    try:
        connection = location.connect(access, lock_timeout_s)
        try:
            yield connection
        finally:
            connection.close()
    except (SQLAlchemyError, OSError) as error:
        raise location.unusable("read" if access == "read" else "written", error) from None

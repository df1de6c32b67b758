"""The journal on SQL: events go into a queue, and one thread commits them in groups."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from selftaught.core.errors import InfrastructureError
from selftaught.core.program import content_id
from selftaught.journal import schema
from selftaught.journal.codec import Body, encode
from selftaught.journal.database import LOCK_TIMEOUT_S, Location, database_message
from selftaught.journal.location import check_writable

# Unhurried events wait this long for company: a commit costs as much CPU as dozens of events,
# and the interpreter's lock is shared with everything else that the run does.
_LINGER_S = 0.01


def open_journal(
    url: str, clock: Callable[[], float] = time.time, lock_timeout_s: float = LOCK_TIMEOUT_S
) -> SqlJournal:
    """Open a store for a run; create it if there is none, migrate it if its schema is older.

    Args:
        lock_timeout_s: how long another process may hold the database; when it is over, a write
            has failed.
    Raises: ConfigError as `check_writable`; then nothing is left behind.
    """
    location = check_writable(url, lock_timeout_s)
    location.prepare(lock_timeout_s)
    try:
        return SqlJournal(location, location.connect("write", lock_timeout_s), clock)
    except SQLAlchemyError as error:
        raise location.refusal(f"it cannot be opened ({database_message(error)})") from None


@dataclass(slots=True)
class _Batch:
    """What was queued since the writer last looked: one transaction."""

    events: list[tuple[Any, ...]] = field(default_factory=list)
    texts: dict[str, bytes] = field(default_factory=dict)
    waiters: list[Future[None]] = field(default_factory=list)
    durable: bool = False


class SqlJournal:
    """The `Journal` port on a database, safe from any thread and any event loop.

    Made by `open_journal`. After a failed write nothing more is written, and every later `append`
    and `flush` says so.
    """

    def __init__(
        self, location: Location, connection: Connection, clock: Callable[[], float] = time.time
    ) -> None:
        """Start the writer on a database with our tables: it owns and closes the connection."""
        self._location = location
        self._connection = connection
        self._clock = clock
        self._changed = threading.Condition()
        self._queued = _Batch()
        self._closing = False
        self._failure: str | None = None
        self._failure_was_raised = False
        # What an earlier process committed and lost power over may not be on the disk either.
        self._unsynced = True
        self._syncs: bool | None = None  # as the database is told to
        self._file = location.identity()
        self._writer = threading.Thread(target=self._write_all, name="journal", daemon=True)
        self._writer.start()

    def append(self, run_id: str, body: Body, key: str, texts: Sequence[str] = ()) -> None:
        """See `Journal.append`.

        Raises: also ValueError or TypeError if the body is not JSON, and ValueError if there is a
            lone surrogate in a name, which the database cannot hold: here, not in the writer.
        """
        f"{run_id}{body.kind}{key}".encode()
        row = run_id, body.kind, key, self._clock(), encode(body)
        encoded = {content_id(text): text.encode("utf-8", "surrogatepass") for text in texts}
        with self._changed:
            self._refuse_if_unusable()
            self._queued.events.append(row)
            self._queued.texts.update(encoded)
            if len(self._queued.events) == 1:
                self._changed.notify()

    async def flush(self, *, durable: bool = False) -> None:
        """See `Journal.flush`. Raises: InfrastructureError if an event could not be written."""
        waiter: Future[None] = Future()
        with self._changed:
            self._refuse_if_unusable()
            self._queued.waiters.append(waiter)
            self._queued.durable |= durable
            self._changed.notify()
        await asyncio.wrap_future(waiter)

    async def aclose(self) -> None:
        """Write and sync what is queued, and close the database. May be called again.

        Raises: InfrastructureError if an event was lost and nobody has been told yet.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        await asyncio.to_thread(self._writer.join)
        if self._failure is not None and not self._failure_was_raised:
            raise self._failure_to_raise(self._failure)

    def _refuse_if_unusable(self) -> None:
        if self._failure is not None:
            raise self._failure_to_raise(self._failure)
        if self._closing:
            raise InfrastructureError(f"the journal in store {self._location.url} is closed")

    def _failure_to_raise(self, failure: str) -> InfrastructureError:
        self._failure_was_raised = True
        return InfrastructureError(failure)

    # --- the writer's thread ---------------------------------------------------------------

    def _write_all(self) -> None:
        reason: str | None = "its writer stopped"
        batch = _Batch()
        try:
            open_still = True
            while open_still:
                batch, open_still = self._next_batch()
                self._commit(batch)
                _settle(batch.waiters, None)
            reason = None
        except (SQLAlchemyError, OSError) as error:
            reason = database_message(error)
        finally:
            if reason is not None:
                self._fail(batch, reason)
            self._connection.close()

    def _next_batch(self) -> tuple[_Batch, bool]:
        """All that is queued, once there is something to do, and whether more may come."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._queued.events) or self._is_hurried())
            self._changed.wait_for(self._is_hurried, _LINGER_S)
            batch, self._queued = self._queued, _Batch()
            batch.durable |= self._closing
            return batch, not self._closing

    def _is_hurried(self) -> bool:
        return self._closing or bool(self._queued.waiters)

    def _commit(self, batch: _Batch) -> None:
        needs_sync = batch.durable and self._unsynced
        if not batch.events and not needs_sync:
            return
        if self._location.identity() != self._file:
            raise FileNotFoundError("it was removed or replaced while the run went on")
        if batch.durable != self._syncs:
            self._location.set_durable(self._connection, batch.durable)
            self._syncs = batch.durable
        with self._location.transaction(self._connection):
            if batch.texts:
                self._location.insert_texts(self._connection, batch.texts)
            if batch.events:
                self._location.insert_events(self._connection, batch.events)
            else:
                schema.mark_synced(self._connection, self._clock())
        self._unsynced = not batch.durable

    def _fail(self, batch: _Batch, reason: str) -> None:
        message = f"the journal in store {self._location.url} could not be written: {reason}"
        with self._changed:
            self._failure = message
            waiters = batch.waiters + self._queued.waiters
            self._queued = _Batch()
        if _settle(waiters, message):
            self._failure_was_raised = True


def _settle(waiters: Iterable[Future[None]], failure: str | None) -> int:
    """Tell those who wait how it went, and return how many were still waiting."""
    waiting = [waiter for waiter in waiters if waiter.set_running_or_notify_cancel()]
    for waiter in waiting:
        if failure is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(InfrastructureError(failure))
    return len(waiting)

"""Reading a journal, also while a run writes it."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Row, Select, select
from sqlalchemy.exc import SQLAlchemyError

from selftaught.core.errors import InfrastructureError
from selftaught.store.location import (
    Location,
    connect,
    database_message,
    guarded_connection,
    locate,
)
from selftaught.store.schema import STARTS_RUN, events, is_empty, schema_problem, texts

LATEST = "latest"
_SHOWN_CANDIDATES = 5


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a run, as it was appended.

    Attributes:
        seq: its place in the store; later events have higher ones.
        at: unix time.
    """

    seq: int
    run_id: str
    kind: str
    key: str
    at: float
    body: dict[str, Any]


def open_reader(url: str) -> JournalReader:
    """Open an existing store to read; whoever calls this closes the reader.

    Raises: ConfigError if there is no such file, or it is no journal of ours.
    """
    location = locate(url)
    with guarded_connection(location, "read") as connection:
        empty = is_empty(connection)
        problem = "it holds no runs yet" if empty else schema_problem(connection)
    if problem is not None:
        raise location.refusal(problem)
    return JournalReader(location, connect(location, "read"))


class JournalReader:
    """Read-only view of a store, safe from any thread.

    No query outlives its call, so a reader never holds up a writer. Every method raises
    InfrastructureError if the database cannot be read.
    """

    def __init__(self, location: Location, connection: Connection) -> None:
        self._location = location
        self._connection = connection
        self._lock = threading.Lock()

    def runs(self) -> list[str]:
        """Ids of all runs, newest first."""
        started = select(events.c.run_id).where(STARTS_RUN).order_by(events.c.seq.desc())
        # A resumed run has started more than once; its place is that of its first start.
        ids = [row.run_id for row in reversed(self._rows(started))]
        return list(reversed(dict.fromkeys(ids)))

    def events(self, run_id: str, kinds: Collection[str] | None = None) -> Iterator[Event]:
        """The run's events in the order in which they were appended, as they stand now.

        Args:
            run_id: the whole id.
            kinds: only events of these kinds.
        """
        query = select(events).where(events.c.run_id == run_id).order_by(events.c.seq)
        if kinds is not None:
            query = query.where(events.c.kind.in_(kinds))
        return map(_event, self._rows(query))

    def text(self, text_id: str) -> str | None:
        """The text of a content id, or None if the store does not hold it."""
        rows = self._rows(select(texts.c.text).where(texts.c.id == text_id))
        return rows[0].text.decode("utf-8", "surrogatepass") if rows else None

    def resolve_run(self, prefix: str) -> str:
        """The id of the one run whose id starts like this, or of the newest for "latest".

        Raises: ConfigError that names the candidates.
        """
        runs = self.runs()
        if not runs:
            raise self._location.refusal("it holds no runs yet; start one with selftaught run")
        if prefix == LATEST:
            return runs[0]
        matching = [run_id for run_id in runs if run_id.startswith(prefix)]
        if prefix in matching:
            return prefix
        if len(matching) == 1:
            return matching[0]
        problem = "starts several runs" if matching else "is the start of no run"
        raise self._location.refusal(
            f"{prefix!r} {problem}; choose from {_listed(matching or runs)}"
        )

    def close(self) -> None:
        """Close the database. May be called again."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        try:
            with self._lock:
                return self._connection.execute(query).all()
        except SQLAlchemyError as error:
            raise InfrastructureError(
                f"store {self._location.url} could not be read: {database_message(error)}"
            ) from error


def _event(row: Row[Any]) -> Event:
    return Event(row.seq, row.run_id, row.kind, row.key, row.at, json.loads(row.body))


def _listed(run_ids: Sequence[str]) -> str:
    shown = ", ".join(run_ids[:_SHOWN_CANDIDATES])
    hidden = len(run_ids) - _SHOWN_CANDIDATES
    return f"{shown} and {hidden} more" if hidden > 0 else shown

"""Reading a journal, also while a run writes it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from sqlalchemy import Connection, Executable, LargeBinary, Row, cast, func, select
from sqlalchemy.exc import SQLAlchemyError

from selftaught.core.errors import InfrastructureError
from selftaught.journal.codec import Body, Event, Kinds, NotOfItsForm, decode
from selftaught.journal.database import Location, database_message, guarded_connection
from selftaught.journal.location import locate
from selftaught.journal.record import EventRecord
from selftaught.journal.schema import (
    SCHEMA_VERSION,
    STARTS_RUN,
    events,
    is_empty,
    schema_problem,
    schema_version,
    texts,
)

T = TypeVar("T")

LATEST = "latest"
_SHOWN_CANDIDATES = 5
_TEXTS_AT_ONCE = 500


class RawEvent(NamedTuple):
    """An event as it is stored; `at` and `body` may be anything in a damaged store."""

    seq: int
    kind: str
    key: str
    at: Any
    body: Any


def open_reader(url: str) -> JournalReader:
    """Open an existing store to read; whoever calls this closes the reader.

    A store of an older schema is migrated first; where it cannot be written, a copy in memory.

    Raises: ConfigError if there is no such file, or it is no journal of ours.
    """
    location = locate(url)
    with guarded_connection(location, "read") as connection:
        empty = is_empty(connection)
        problem = "it holds no runs yet" if empty else schema_problem(connection)
        found = schema_version(connection)
    if problem is not None:
        raise location.refusal(problem)
    if found is None or found >= SCHEMA_VERSION:
        return JournalReader(location, location.connect("read"))
    return JournalReader(location, location.connect_migrated())


class JournalReader:
    """Read-only view of a store, safe from any thread.

    No query outlives its call, so a reader never holds up a writer. Every method raises
    InfrastructureError if the database cannot be read.
    """

    def __init__(self, location: Location, connection: Connection) -> None:
        self.location = location
        self._connection = connection
        self._lock = threading.Lock()

    def runs(self) -> list[str]:
        """Ids of all runs, newest first."""
        started = select(events.c.run_id).where(STARTS_RUN).order_by(events.c.seq.desc())
        # A resumed run has started more than once; its place is that of its first start.
        ids = [row.run_id for row in reversed(self._rows(started))]
        return list(reversed(dict.fromkeys(ids)))

    def events(
        self,
        run_id: str,
        kinds: Collection[type[Body]] | None = None,
        *,
        keys: Collection[str] | None = None,
        after: int = 0,
        own: Collection[type[EventRecord]] = (),
        holding: str = "",
        of_programs: Collection[str] = (),
    ) -> Iterator[Event]:
        """The run's events in the order in which they were appended, as they stand now.

        Args:
            run_id: the whole id.
            kinds: only events of these kinds.
            keys: only events of these keys, without a scan of the run.
            after: only events of a later place; with the `seq` of the last one that was read this
                is a cursor, by which a run that goes on is followed.
            own: kinds of events that a study alone writes, where they are not ours.
            holding: only events in whose JSON this text stands.
            of_programs: only events that are about one of these, such as evaluations.
        Raises: InfrastructureError if an event is not of its form.
        """
        query = select(events).where(events.c.run_id == run_id).order_by(events.c.seq)
        if kinds is not None:
            query = query.where(events.c.kind.in_([kind.kind for kind in kinds]))
        if keys is not None:
            query = query.where(events.c.key.in_(keys))
        if after:
            query = query.where(events.c.seq > after)
        if holding:
            query = query.where(events.c.body.contains(holding, autoescape=True))
        if of_programs:  # which their bodies begin with, as the codec writes them
            begun = [f'{{"program":"{program}"' for program in of_programs]
            length = max(map(len, begun))
            query = query.where(func.substr(events.c.body, 1, length).in_(begun))
        kinds_of = {kind.kind: kind for kind in own}
        return (self._event(row, kinds_of) for row in self._rows(query))

    def news(self, after: int, kinds: Collection[type[Body]]) -> list[Event]:
        """Events of these kinds of all runs, past a place in the store.

        From place 0 it is only the last one, by whose place a reader begins to follow.
        """
        query = select(events).order_by(events.c.seq.desc()).limit(1)
        if after:
            said = [kind.kind for kind in kinds]
            query = select(events).where(events.c.seq > after, events.c.kind.in_(said))
            query = query.where(self.location.settled).order_by(events.c.seq)
        return [self._event(row, {}) for row in self._rows(query)]

    def text(self, text_id: str) -> str | None:
        """The text of a content id, or None if the store does not hold it."""
        rows = self._rows(select(texts.c.text).where(texts.c.id == text_id))
        return rows[0].text.decode("utf-8", "surrogatepass") if rows else None

    def texts(self, text_ids: Collection[str]) -> dict[str, str]:
        """The texts of many content ids; those that the store does not hold are left out."""
        wanted = sorted(set(text_ids))
        found: dict[str, str] = {}
        for start in range(0, len(wanted), _TEXTS_AT_ONCE):
            part = wanted[start : start + _TEXTS_AT_ONCE]
            for row in self._rows(select(texts).where(texts.c.id.in_(part))):
                found[row.id] = row.text.decode("utf-8", "surrogatepass")
        return found

    def resolve_run(self, prefix: str, noun: str = "run") -> str:
        """The id of the one run whose id starts like this, or of the newest for "latest".

        Raises: ConfigError that names the candidates.
        """
        found = self.find_run(prefix)
        if found is None:
            raise self.location.refusal(
                f"{prefix!r} is the start of no {noun}; choose from {_listed(self.runs())}"
            )
        return found

    def find_run(self, prefix: str) -> str | None:
        """The same; None if none starts like this.

        Raises: ConfigError if there is no run at all, or several start so.
        """
        runs = self.runs()
        if not runs:
            raise self.location.refusal("it holds no runs yet; start one with selftaught run")
        if prefix == LATEST:
            return runs[0]
        matching = [run_id for run_id in runs if run_id.startswith(prefix)]
        if prefix in matching:
            return prefix
        if len(matching) > 1:
            raise self.location.refusal(
                f"{prefix!r} starts several runs; choose from {_listed(matching)}"
            )
        return matching[0] if matching else None

    def resolve_program(self, prefix: str) -> str | None:
        """The id of the one text whose id starts like this; None if there is none.

        Raises: ConfigError that names the candidates.
        """
        rows = self._rows(select(texts.c.id).where(texts.c.id.startswith(prefix, autoescape=True)))
        if len(rows) > 1:
            candidates = _listed([str(row.id) for row in rows])
            raise self.location.refusal(
                f"{prefix!r} starts several programs; choose from {candidates}"
            )
        return str(rows[0].id) if rows else None

    def naming(self, text_id: str, kinds: Collection[type[Body]]) -> list[Event]:
        """Events of these kinds of all runs that name a text, in their order."""
        query = select(events).where(events.c.kind.in_([kind.kind for kind in kinds]))
        query = query.where(events.c.body.contains(text_id, autoescape=True))
        found = [self._event(row, {}) for row in self._rows(query.order_by(events.c.seq))]
        return [event for event in found if text_id in event.body.text_ids()]

    # --- for `selftaught verify`, which takes nothing for granted

    def all_run_ids(self) -> list[str]:
        """Ids of all runs that have any event, in the order of their first."""
        query = select(events.c.run_id).group_by(events.c.run_id).order_by(func.min(events.c.seq))
        return [str(row.run_id) for row in self._rows(query)]

    def raw_events(self, run_id: str) -> Iterator[RawEvent]:
        """The run's events in their order, their bodies as they are stored."""
        query = select(events).where(events.c.run_id == run_id).order_by(events.c.seq)
        rows: Sequence[Any] = self._rows(query)
        return (
            RawEvent(seq, str(kind), str(key), at, body) for seq, _, kind, key, at, body in rows
        )

    def stored_texts(self) -> Iterator[tuple[str, bytes]]:
        """Every text with the id that it is stored under, a few at a time."""
        query = select(texts.c.id, cast(texts.c.text, LargeBinary).label("text"))
        query = query.order_by(texts.c.id).limit(_TEXTS_AT_ONCE)
        rows = self._rows(query)
        while rows:
            yield from ((row.id, row.text) for row in rows)
            rows = self._rows(query.where(texts.c.id > rows[-1].id))

    def missing_events(self) -> list[str]:
        """What events were taken out, such as "events 5 to 7 are missing"."""
        return self._asked(self.location.missing_events)

    def database_problems(self) -> list[str]:
        """What the database finds wrong with its own files."""
        return self._asked(self.location.problems)

    # ---

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

    def _event(self, row: Sequence[Any], own: Kinds) -> Event:
        seq, run_id, kind, key, at, said = row
        try:
            body = decode(kind, said, own)
        except NotOfItsForm as error:
            raise InfrastructureError(
                f"store {self.location.url}: event {seq}: {error}; see selftaught verify"
            ) from None
        return Event(seq, run_id, key, at, body)

    def _rows(self, query: Executable) -> Sequence[Row[Any]]:
        return self._asked(lambda connection: connection.execute(query).all())

    def _asked(self, ask: Callable[[Connection], T]) -> T:
        with self._lock:
            try:
                return ask(self._connection)
            except SQLAlchemyError as error:
                self._connection.rollback()  # or it would never see a server that comes back
                raise InfrastructureError(
                    f"store {self.location.url} could not be read: {database_message(error)}"
                ) from error


def _listed(run_ids: Sequence[str]) -> str:
    shown = ", ".join(run_ids[:_SHOWN_CANDIDATES])
    hidden = len(run_ids) - _SHOWN_CANDIDATES
    return f"{shown} and {hidden} more" if hidden > 0 else shown

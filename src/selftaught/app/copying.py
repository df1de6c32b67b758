"""Copying runs into another store, as they are: to a colleague's file, or to a cluster's server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from selftaught.analysis.series import series_runs
from selftaught.core.errors import InfrastructureError
from selftaught.journal.database import LOCK_TIMEOUT_S, database_message
from selftaught.journal.events import Run
from selftaught.journal.location import check_writable
from selftaught.journal.reader import JournalReader, open_reader
from selftaught.journal.run_lock import hold_run, lock_state

T = TypeVar("T")

_AT_ONCE = 500
# As `content_id` and `new_run_id` make them.
_TEXT_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")


@dataclass(frozen=True, slots=True)
class Copied:
    """A run as it stands in both stores now."""

    run_id: str
    events: int
    texts: int


def copy_runs(store: str, runs: Sequence[str], to: str) -> Iterator[Copied]:
    """Copy runs with their texts, those of their series, and those that they name as their origin.

    Events keep their order, times and bodies, so that what is verified or replayed there is what
    was here. Each run is there whole or not at all; one that is there already is left as it is, if
    it is the same.

    Raises: ConfigError if a run is being written, or stands otherwise in the other store.
    """
    with open_reader(store) as reader:
        wanted = _with_what_they_rest_on(reader, [reader.resolve_run(run) for run in runs])
        for run_id in wanted:
            if lock_state(store, run_id).is_held:
                raise reader.location.refusal(f"run {run_id} is in progress: stop it first")
        if check_writable(to) == reader.location:
            raise reader.location.refusal("a store is not copied into itself; give another --to")
        for run_id in wanted:
            yield _copy(reader, run_id, to)


def _copy(reader: JournalReader, run_id: str, to: str) -> Copied:
    events = list(reader.raw_events(run_id))
    texts = reader.texts(_TEXT_ID.findall("\n".join(str(event.body) for event in events)))
    copied = Copied(run_id, len(events), len(texts))
    location = check_writable(to)
    location.prepare(LOCK_TIMEOUT_S)
    with hold_run(to, run_id):
        with open_reader(to) as there:
            found = [event[1:] for event in there.raw_events(run_id)]
        if found == [event[1:] for event in events]:
            return copied
        if found:
            raise location.refusal(
                f"run {run_id} is there already and is not the same; give another --to"
            )
        try:
            with location.connect("write") as connection:
                location.set_durable(connection, True)
                with location.transaction(connection):
                    for some in _parts(sorted(texts)):
                        encoded = {one: texts[one].encode("utf-8", "surrogatepass") for one in some}
                        location.insert_texts(connection, encoded)
                    for part in _parts(events):
                        location.insert_events(connection, [(run_id, *event[1:]) for event in part])
        except (SQLAlchemyError, OSError) as error:
            raise InfrastructureError(
                f"store {location.url} could not be written: {database_message(error)}; "
                f"run {run_id} is not there"
            ) from error
    return copied


def _parts(of: Sequence[T]) -> Iterator[Sequence[T]]:
    return (of[start : start + _AT_ONCE] for start in range(0, len(of), _AT_ONCE))


def _with_what_they_rest_on(reader: JournalReader, runs: Sequence[str]) -> list[str]:
    """What a run names at its start is before it in the list."""
    known, found = set(reader.runs()), dict[str, None]()

    def add(run_id: str) -> None:
        if run_id in found or run_id not in known:
            return
        starts = [event for event in reader.raw_events(run_id) if event.kind == Run.kind]
        named = _RUN_ID.findall("\n".join(str(event.body) for event in starts))
        for other in dict.fromkeys(named):
            if other != run_id:
                add(other)
        found[run_id] = None

    for run_id in runs:
        of_series = [head.run_id for head in series_runs(reader, run_id).values()]
        for one in of_series or [run_id]:
            add(one)
    return list(found)

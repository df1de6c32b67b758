"""`selftaught verify`: whether a store holds what it says, re-derived from its events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from selftaught.analysis.series import carried_problems
from selftaught.core.errors import InfrastructureError
from selftaught.core.program import content_id
from selftaught.journal.codec import Event, Kinds, NotOfItsForm, as_json, decode
from selftaught.journal.reader import JournalReader, RawEvent
from selftaught.studies.verified_run import Problem, Studies, run_problems


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold.

    Attributes:
        run_id: None if it is of the store, not of one run.
        seq: place of the event that is wrong; None if it is no single one.
    """

    run_id: str | None
    seq: int | None
    what: str


@dataclass(frozen=True, slots=True)
class VerifiedRun:
    """One run: how many events it has, and what is wrong with them."""

    run_id: str
    events: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at and what was found.

    Attributes:
        texts: how many there are in the store; all were hashed.
        runs: those that were asked for, oldest first.
    """

    texts: int
    store_findings: tuple[Finding, ...]
    runs: tuple[VerifiedRun, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them."""
        return (*self.store_findings, *(found for run in self.runs for found in run.findings))

    def as_json(self) -> dict[str, Any]:
        """The object of `verify --json`."""
        told = as_json(self)
        found = {"ok": not self.findings, "findings": told["store_findings"]}
        return found | {name: told[name] for name in ("texts", "runs")}


def verify_store(
    reader: JournalReader, studies: Studies, run_id: str | None = None
) -> Verification:
    """Check the whole store, or the store's texts and one run.

    A run that is under way is checked as far as it has come.
    """
    checked = _Texts(reader)
    store = [
        Finding(None, None, what)
        for check in (_database, _places, checked.problems)
        for what in _told(check, reader)
    ]
    try:
        wanted = reader.all_run_ids() if run_id is None else [run_id]
    except InfrastructureError as error:
        store.append(Finding(None, None, str(error)))
        wanted = []
    runs = tuple(_verified(reader, each, checked, studies) for each in wanted)
    return Verification(checked.count, tuple(store), runs)


def _told(check: Callable[[JournalReader], Iterable[str]], reader: JournalReader) -> Iterable[str]:
    """What a check finds; a database that cannot even be read is a finding as well."""
    try:
        yield from check(reader)
    except InfrastructureError as error:
        yield str(error)


def _database(reader: JournalReader) -> Iterable[str]:
    found = reader.database_problems()
    return (f"the database is damaged: {' '.join(said.split())}" for said in found)


def _places(reader: JournalReader) -> Iterable[str]:
    return reader.missing_events()


class _Texts:
    """The texts of a store, by their ids."""

    def __init__(self, reader: JournalReader) -> None:
        self._reader = reader
        self._ids: set[str] = set()

    @property
    def count(self) -> int:
        return len(self._ids)

    def problems(self, reader: JournalReader) -> Iterable[str]:
        for text_id, content in reader.stored_texts():
            self._ids.add(text_id)
            if _hash(content) != text_id:
                yield f"text {text_id} is not what its id says: it was changed"

    def holds(self, text_id: str) -> bool:
        """Also those that a run has added since."""
        return text_id in self._ids or self._reader.text(text_id) is not None


def _hash(content: bytes) -> str | None:
    try:
        return content_id(content.decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError:
        return None


def _verified(reader: JournalReader, run_id: str, texts: _Texts, studies: Studies) -> VerifiedRun:
    own = {kind.kind: kind for study in studies.values() for kind in study.events()}
    n_events = 0
    events: list[Event] = []
    problems: list[Problem] = []
    try:
        for raw in reader.raw_events(run_id):
            n_events += 1
            event = _parsed(run_id, raw, own)
            if isinstance(event, str):
                problems.append((raw.seq, event))
            else:
                events.append(event)
        problems += run_problems(run_id, events, reader.text, texts.holds, studies)
        problems += carried_problems(reader, run_id, events)
    except InfrastructureError as error:
        problems.append((None, str(error)))
    ordered = sorted(problems, key=lambda problem: problem[0] or 0)
    return VerifiedRun(run_id, n_events, tuple(Finding(run_id, *problem) for problem in ordered))


def _parsed(run_id: str, raw: RawEvent, own: Kinds) -> Event | str:
    """The event, or what is wrong with it."""
    try:
        body = decode(raw.kind, raw.body, own)
    except NotOfItsForm as error:
        return str(error)
    if not isinstance(raw.at, (int, float)):
        return f"the time of this {raw.kind} is no number: {raw.at!r:.60}"
    return Event(raw.seq, run_id, raw.key, raw.at, body)

"""The improvers of a run: their strategies, and their lineage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from selftaught.analysis.strategies.found import SourceReading, Strategy, combined
from selftaught.analysis.strategies.lineage import LINEAGE_KINDS, Ancestry, ancestries
from selftaught.analysis.strategies.observed import Observer
from selftaught.analysis.strategies.trace import seen_in
from selftaught.journal.reader import JournalReader
from selftaught.pages.text import unified_diff


@dataclass(frozen=True, slots=True)
class ImproverStrategies:
    """One improver.

    Attributes:
        ancestry: where it came from, and what it is worth.
        strategies: what it does.
        unreadable: why its program could not be read; None if it could.
        traced_runs: its improver runs in the journal that asked the model anything.
        diff: unified diff from its parent; empty for equal programs, None where there is no
            parent, or a program is missing or too long to compare.
    """

    ancestry: Ancestry
    strategies: tuple[Strategy, ...]
    unreadable: str | None
    traced_runs: int
    diff: str | None

    def as_json(self, *, with_diff: bool = False) -> dict[str, Any]:
        ancestry = self.ancestry
        found = {
            "improver_id": ancestry.improver_id,
            "t": ancestry.t,
            "parent": ancestry.parent,
            "accepted": ancestry.accepted,
            "val": None if ancestry.val is None else ancestry.val.as_json(),
            "test": None if ancestry.test is None else ancestry.test.as_json(),
            "strategies": [one.as_json() for one in self.strategies],
            "unreadable": self.unreadable,
            "traced_runs": self.traced_runs,
        }
        return found | ({"diff": self.diff} if with_diff else {})


@dataclass(frozen=True, slots=True)
class RunStrategies:
    """All improvers of a run, the one that it began with first."""

    run_id: str
    improvers: tuple[ImproverStrategies, ...]

    def as_json(self, *, with_diff: bool = False) -> dict[str, Any]:
        """The object of `strategies --json`."""
        improvers = [one.as_json(with_diff=with_diff) for one in self.improvers]
        return {"run_id": self.run_id, "improvers": improvers}


def improver_sources(reader: JournalReader, run_id: str) -> dict[str, str | None]:
    """Program texts by id of a run's improvers; None where the store does not hold it."""
    found = ancestries(reader.events(run_id, LINEAGE_KINDS))
    return {one.improver_id: reader.text(one.improver_id) for one in found}


def run_strategies(
    reader: JournalReader, run_id: str, readings: Mapping[str, SourceReading]
) -> RunStrategies:
    """Strategies of all improvers of a run.

    Args:
        readings: of the programs of `improver_sources`, by id; one that is missing was not read.
    """
    observer = Observer(reader, run_id)
    improvers = []
    for ancestry in ancestries(reader.events(run_id, LINEAGE_KINDS)):
        nothing = SourceReading((), "the store does not hold its program")
        reading = readings.get(ancestry.improver_id, nothing)
        seen, traced_runs = seen_in(observer.runs_of(ancestry.improver_id))
        improvers.append(
            ImproverStrategies(
                ancestry,
                combined(reading.findings, seen),
                reading.unreadable,
                traced_runs,
                _diff(reader, ancestry),
            )
        )
    return RunStrategies(run_id, tuple(improvers))


def _diff(reader: JournalReader, ancestry: Ancestry) -> str | None:
    if ancestry.parent is None:
        return None
    before, after = reader.text(ancestry.parent), reader.text(ancestry.improver_id)
    if before is None or after is None:
        return None
    return unified_diff(before, after, ancestry.parent, ancestry.improver_id)

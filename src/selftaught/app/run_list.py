"""All runs of a store, for `selftaught runs`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from selftaught.analysis.recorded_run import STANDING_KINDS, RecordedRun, standing
from selftaught.analysis.run_head import RunHead, read_head
from selftaught.analysis.spending import SPENDING_KINDS, spending
from selftaught.core.budget import Usage
from selftaught.journal.events import Evaluation
from selftaught.journal.reader import JournalReader
from selftaught.studies.registry import studies


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line about a run.

    Attributes:
        iterations: how many were measured, t = 0 included.
        best_value: of the best program on `val`; None if it was not measured yet.
        best_search: of the same on `search`, of a run without iterations.
        series: `{"id", "index", "of"}` of a run with repeats, else None.
    """

    run_id: str
    kind: str
    state: str
    started: str
    model: str
    tasks: tuple[str, ...]
    iterations: int
    best_value: float | None
    best_search: float | None
    usage: Usage
    series: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """One entry of `runs --json`."""
        return asdict(self) | {"tasks": list(self.tasks)}


def list_runs(reader: JournalReader) -> list[RunSummary]:
    """A summary of each run of the store, newest first."""
    return [summary(reader, run_id) for run_id in reader.runs()]


def summary(reader: JournalReader, run_id: str) -> RunSummary:
    """That of one run."""
    head = read_head(reader, run_id)
    stands = standing(reader.events(run_id, STANDING_KINDS))
    study = studies().get(head.command)
    if stands.best is None and study is not None and study.stands and study.writes:  # it was cut
        scored = RecordedRun(head, [*reader.events(run_id, (Evaluation,))], reader.text)
        stands = standing((), study.result_of(scored))
    usage = head.usage
    if usage is None:
        usage = spending(reader.events(run_id, SPENDING_KINDS)).total
    return RunSummary(
        run_id=run_id,
        kind=head.command,
        state=head.state,
        started=head.started,
        model=head.model,
        tasks=head.task_names,
        iterations=stands.steps,
        best_value=stands.value,
        best_search=stands.search,
        usage=usage,
        series=_series(head),
    )


def _series(head: RunHead) -> Mapping[str, Any] | None:
    place = head.series
    return None if place is None else {"id": place.series_id, "index": place.index, "of": place.of}

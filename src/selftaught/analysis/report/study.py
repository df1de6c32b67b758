"""What a report is about, gathered from the journal: a run, or the whole series that it is of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selftaught.analysis.curve import Curve, learning_curve
from selftaught.analysis.run_head import RunHead, read_head
from selftaught.analysis.run_view import Counts, RunView, view_run
from selftaught.analysis.series import series_runs
from selftaught.analysis.spending import Spending
from selftaught.core.budget import Usage
from selftaught.journal.events import Evaluation, LmAnswer
from selftaught.journal.reader import JournalReader


@dataclass(frozen=True, slots=True)
class ScoredProgram:
    """A program that an improve run scored on search.

    Attributes:
        calls, samples: of the model, answered before.
        value: of the program; best: the highest value so far.
    """

    calls: int
    samples: int
    program_id: str
    value: float
    best: float


@dataclass(frozen=True, slots=True)
class Study:
    """A run or a series, and what else its store holds of it.

    Attributes:
        study_id: of the series, or the run's own id.
        views: the runs of the series that were started, in order, or the run by itself.
        curve: of STOP runs that have measured something.
        transfers: transfer runs of their improvers that have a result, oldest first.
        scored: of an improve run, in order.
        first_improver: source of the improver to begin with; None if the store does not hold it.
    """

    study_id: str
    views: tuple[RunView, ...]
    curve: Curve | None
    transfers: tuple[RunView, ...]
    scored: tuple[ScoredProgram, ...]
    first_improver: str | None

    @property
    def head(self) -> RunHead:
        """Of the first run, which the others repeat with seeds of their own."""
        return self.views[0].head

    @property
    def is_series(self) -> bool:
        return self.head.series is not None

    @property
    def best_view(self) -> RunView:
        """The run whose best is best on val, which took no part in any search; test decides
        nothing."""
        measured = [view for view in self.views if view.best_value is not None]
        return max(measured or self.views, key=lambda view: view.best_value or 0.0)

    @property
    def spending(self) -> Spending:
        return summed_spending([view.spending for view in self.views])

    @property
    def counts(self) -> Counts:
        return summed_counts([view.counts for view in self.views])

    @property
    def wall_s(self) -> float | None:
        """By the clock, of all runs; None while one has not ended."""
        each = [view.head.wall_s for view in self.views]
        known = [wall_s for wall_s in each if wall_s is not None]
        return sum(known) if len(known) == len(each) else None


def gather(reader: JournalReader, run_id: str) -> Study:
    """All that a report tells of a run, or of the series that it is of.

    Args:
        run_id: its whole id, as `JournalReader.resolve_run` returns it.
    Raises: LookupError if the store does not hold it.
    """
    head = read_head(reader, run_id)
    ids = [run_id]
    if head.series is not None:
        ids = [one.run_id for one in series_runs(reader, head.series.series_id).values()]
    views = tuple(view_run(reader, one) for one in ids)
    has_curve = head.command == "run" and any(view.iterations for view in views)
    return Study(
        study_id=run_id if head.series is None else head.series.series_id,
        views=views,
        curve=learning_curve(reader, run_id) if has_curve else None,
        transfers=_transfers(reader, frozenset(ids)),
        scored=_scored(reader, run_id) if head.command == "improve" else (),
        first_improver=_first_improver(reader, ids[0]),
    )


def _transfers(reader: JournalReader, origins: frozenset[str]) -> tuple[RunView, ...]:
    found = []
    for run_id in reversed(reader.runs()):
        head = read_head(reader, run_id)
        if head.command == "transfer" and head.config.get("origin") in origins:
            view = view_run(reader, run_id)
            found += [view] if view.result else []
    return tuple(found)


def _scored(reader: JournalReader, run_id: str) -> tuple[ScoredProgram, ...]:
    """Programs that were scored on the instances of the search, each time that one was new."""
    calls = samples = 0
    seen: set[str] = set()
    found: list[ScoredProgram] = []
    for event in reader.events(run_id, (LmAnswer, Evaluation)):
        match event.body:
            case LmAnswer(usage=usage):
                calls += usage.lm_calls
                samples += usage.samples
            case Evaluation(stream="search", value=value) as one:
                if value is not None and event.key not in seen:
                    seen.add(event.key)
                    best = max(value, found[-1].best) if found else value
                    found.append(ScoredProgram(calls, samples, one.program, value, best))
    return tuple(found)


def _first_improver(reader: JournalReader, run_id: str) -> str | None:
    improver = read_head(reader, run_id).improver_id
    return None if improver is None else reader.text(improver)


def summed_spending(each: Sequence[Spending]) -> Spending:
    """Of several runs together."""
    roles = sorted({role for one in each for role in one.roles})
    return Spending(
        roles={
            role: sum((one.roles.get(role, Usage()) for one in each), Usage()) for role in roles
        },
        unpriced_answers=sum(one.unpriced_answers for one in each),
        open_requests=sum(one.open_requests for one in each),
    )


def summed_counts(each: Sequence[Counts]) -> Counts:
    """Of several runs together."""
    return Counts(
        evaluations=_together(one.evaluations for one in each),
        invocations=_together(one.invocations for one in each),
        requests=_together(one.requests for one in each),
        responses=_together(one.responses for one in each),
        diverged=sum(one.diverged for one in each),
        resumed=sum(one.resumed for one in each),
    )


def _together(tallies: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[Any] = Counter()
    for tally in tallies:
        total.update(tally)
    return dict(sorted(total.items()))

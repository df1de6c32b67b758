"""Claims about recursion: final minus seed improver on test, where a whole run is one observation.

An interval over the improver runs of one run tells of the improver that this run happened to find;
the next run finds another. So a claim is over independent runs: Student's t of their means, a
bootstrap of whole runs beside it, and what varies between runs, tasks and improver runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun, latest, no_text
from selftaught.analysis.run_head import RunHead, read_head
from selftaught.core.independent_runs import (
    Components,
    Observed,
    bootstrap_mean,
    half_width,
    mean_over_tasks,
    runs_needed,
    variance_components,
)
from selftaught.core.statistics import Bounds, estimate
from selftaught.journal.events import Invocation, InvocationEnd
from selftaught.journal.reader import JournalReader
from selftaught.journal.study_events import Baseline, Iteration, MetaEvaluation

KINDS = (Iteration, MetaEvaluation, Baseline, Invocation, InvocationEnd)
VERSUS = ("vs_seed", "vs_seed_restarted")  # at the same limits, and at equal samples
WIDTHS = (0.05, 0.02, 0.01)  # half of the interval, of which an estimate says what it takes


@dataclass(frozen=True, slots=True)
class Taken:
    """The mean of both in an improver run on test."""

    final: float
    other: float


@dataclass(frozen=True, slots=True)
class Differences:
    """The final improver of a run minus another, paired, and what both took of their limits.

    Attributes:
        values: by task, normalised, one an improver run on test.
        samples: responses drawn.
        scorings: uses of the utility. The choice among the results of restarts is not in it.
    """

    run_id: str
    seed: int
    values: Observed
    samples: Taken
    scorings: Taken

    @property
    def mean(self) -> float:
        return mean_over_tasks(self.values)


@dataclass(frozen=True, slots=True)
class Worst:
    """The run with the lowest difference."""

    run_id: str
    seed: int
    mean: float


@dataclass(frozen=True, slots=True)
class Claim:
    """What the runs say together.

    Attributes:
        mean, ci95, n: of the means of n runs, with Student's t interval over runs.
        bootstrap95: of whole runs; None of a single one.
        share_above: of the runs, whose mean is above 0.
        components: variances; None of a single run.
        samples, scorings: means over the runs.
    """

    mean: float
    ci95: tuple[float, float] | None
    n: int
    bootstrap95: tuple[float, float] | None
    worst: Worst
    share_above: float
    components: Components | None
    samples: Taken
    scorings: Taken


def claims_of(runs: Sequence[RecordedRun]) -> dict[str, Claim | None]:
    """By what the final improver is compared with; None where no run has measured it yet."""
    measured = [*map(run_differences, runs)]
    return {
        name: _claim([one[name] for one in measured if name in one], runs[0].head.unit)
        for name in VERSUS
    }


def _claim(runs: Sequence[Differences], unit: Bounds | None) -> Claim | None:
    if not runs:
        return None
    means = [run.mean for run in runs]
    width = None if unit is None else unit.highest - unit.lowest
    bounds = None if width is None else Bounds(-width, width)
    found = estimate({"runs": means}, bounds, lowest_fails=False)
    worst = min(runs, key=lambda run: run.mean)
    return Claim(
        *(found.mean, found.ci95, found.n, bootstrap_mean(means).ci95),
        worst=Worst(worst.run_id, worst.seed, worst.mean),
        share_above=sum(mean > 0 for mean in means) / len(means),
        components=variance_components([run.values for run in runs]) if len(runs) > 1 else None,
        samples=_over([run.samples for run in runs]),
        scorings=_over([run.scorings for run in runs]),
    )


def _over(runs: Sequence[Taken]) -> Taken:
    return Taken(
        *(sum(getattr(one, arm) for one in runs) / len(runs) for arm in ("final", "other"))
    )


def run_differences(run: RecordedRun) -> dict[str, Differences]:
    """Those of a run that are measured, by their names in `VERSUS`; none before its first step."""
    steps = sorted(latest(run.events, Iteration).values(), key=lambda one: one.t)
    if len(steps) < 2:
        return {}
    first, last = steps[0].improver_id, steps[-1].improver_id
    on_test = {
        one.improver: one.values
        for one in latest(run.events, MetaEvaluation).values()
        if one.stream == "test"
    }
    others: dict[str, tuple[str, Observed]] = {}
    if first in on_test and last in on_test:
        others["vs_seed"] = "inner", on_test[first]
    for baseline in latest(run.events, Baseline).values():
        if baseline.name == "seed" and baseline.final == last:
            others["vs_seed_restarted"] = "restart", baseline.values
    begun = latest(run.events, Invocation)
    ends = [
        (begun[key], end) for key, end in latest(run.events, InvocationEnd).items() if key in begun
    ]

    def took(role: str, improver: str) -> list[InvocationEnd]:
        return [
            end
            for start, end in ends
            if (start.role, start.improver) == (role, improver)
            and (start.repeat or "").startswith("test-")
        ]

    found = {}
    for name, (role, values) in others.items():
        differences = {
            task: [a - b for a, b in zip(finals, values[task], strict=True)]
            for task, finals in on_test[last].items()
        }
        n = sum(map(len, differences.values()))
        arms = took("inner", last), took(role, first)
        samples = Taken(*(sum(end.usage.samples for end in arm) / n for arm in arms))
        scorings = Taken(*(sum(end.utility_uses for end in arm) / n for arm in arms))
        found[name] = Differences(run.run_id, run.head.seed, differences, samples, scorings)
    return found


def told_runs(reader: JournalReader, run_ids: Sequence[str]) -> Iterator[RecordedRun]:
    """As much of runs as claims follow from."""
    for run_id in run_ids:
        events = list(reader.events(run_id, KINDS))
        yield RecordedRun(read_head(reader, run_id), events, no_text)


# --- beforehand ---------------------------------------------------------------------------------


def expected(
    reader: JournalReader, is_alike: Callable[[RunHead], bool], improver_runs: int, runs: int
) -> dict[str, Any] | None:
    """How narrow a claim over so many runs is to be expected, by the earlier runs of the store that
    are done and alike; None if those are fewer than two.

    Args:
        is_alike: whether an earlier run is as those that are planned; of STOP it is.
        improver_runs: on test, of each task.
    Returns: `{"earlier_runs", "vs_seed": {"half_width", "needed": {half width: runs}}, ...}`
    """
    heads = [read_head(reader, run_id) for run_id in reader.runs()]
    done = [head for head in heads if (head.command, head.state) == ("run", "done")]
    same = [head for head in done if is_alike(head)]
    ids = [head.run_id for head in same]
    found = claims_of([*told_runs(reader, ids)]) if len(same) > 1 else {}
    said: dict[str, Any] = {"earlier_runs": len(same)}
    for name, claim in found.items():
        if claim is None or claim.components is None:
            continue
        variance = claim.components.of_a_run(len(same[0].tasks), improver_runs)
        said[name] = {
            "half_width": half_width(variance, runs),
            "needed": {str(width): runs_needed(variance, width) for width in WIDTHS},
        }
    return said if len(said) > 1 else None

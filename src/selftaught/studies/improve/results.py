"""What the events of an improve run come to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun, said_result
from selftaught.core.seeds import Stream
from selftaught.core.statistics import Bounds, Estimate, estimate, paired_difference
from selftaught.journal.events import Evaluation
from selftaught.studies.improve.finalists import Scores, UnknownWorthError


def improve_result(run: RecordedRun) -> dict[str, Any] | None:
    """The seed, the best on val, and the other finalists; None before both were measured on test.

    Older runs did not tell what a failure is worth; where that is needed, theirs is the result
    that they wrote down.
    """
    task = run.head.tasks[0]
    scores = Scores.of(run.events, task.lowest)
    try:
        finalists = scores.finalists()
        if not finalists:
            return None
        best, seed, bounds = finalists[0], scores.searched[0], run.head.bounds(task)
        if not (scores.outcomes(best, "test") and scores.outcomes(seed, "test")):
            return None
        return {
            "task": task.name,
            "seed": _measured(run, scores, seed, bounds),
            "best": _measured(run, scores, best, bounds),
            "vs_seed": _difference(scores, (best, seed), "test", bounds).as_json(),
            "finalists": [_finalist(scores, one, best, bounds) for one in finalists],
        }
    except UnknownWorthError:
        return _as_it_said(run)


def _measured(
    run: RecordedRun, scores: Scores, program: str, bounds: Bounds | None
) -> dict[str, Any]:
    scored = [one for one in scores.outcomes(program, "test") if one.value is not None]
    names = sorted({name for one in scored for name in one.metrics})
    return {
        "val": _estimate(scores, program, "val", bounds).as_json(),
        "test": _estimate(scores, program, "test", bounds).as_json(),
        "metrics": {name: _mean(scored, name) for name in names},
        "program_id": program,
        "source": run.text(program) or "",
    }


def _estimate(scores: Scores, program: str, stream: Stream, bounds: Bounds | None) -> Estimate:
    """Programs that run may be worth as little as failures, and then their interval is known."""
    values = {"": scores.values(program, stream)}
    found = estimate(values, bounds)
    failed = all(one.value is None for one in scores.outcomes(program, stream))
    return found if failed or found.ci95 is not None else estimate(values)


def _difference(
    scores: Scores, pair: tuple[str, str], stream: Stream, bounds: Bounds | None
) -> Estimate:
    """Of the first and the second, paired by sets of instances."""
    first, second = ({"": scores.values(program, stream)} for program in pair)
    found = paired_difference(first, second, bounds)
    failed = all(one.value is None for two in pair for one in scores.outcomes(two, stream))
    return found if failed or found.ci95 is not None else paired_difference(first, second)


def _finalist(scores: Scores, program: str, best: str, bounds: Bounds | None) -> dict[str, Any]:
    """How far it is behind the best on val, paired by sets of instances; tied if that may be 0."""
    behind = _difference(scores, (best, program), "val", bounds)
    low, high = behind.ci95 or (-math.inf, math.inf)
    return {
        "program_id": program,
        "search": scores.of_search(program),
        "val": _estimate(scores, program, "val", bounds).as_json(),
        "behind": behind.as_json(),
        "tied": low <= 0 <= high,
    }


def _mean(scored: Sequence[Evaluation], name: str) -> float | None:
    """Of a metric, over the sets of instances of test where it was measured."""
    values = [one.metrics[name] for one in scored if name in one.metrics]
    numbers = [value for value in values if value is not None]
    if len(numbers) < len(values):
        return None  # JSON has no NaN and no infinities
    mean = math.fsum(numbers) / len(numbers)
    return mean if math.isfinite(mean) else None


def _as_it_said(run: RecordedRun) -> dict[str, Any] | None:
    said = said_result(run.events)
    names = ("task", "seed", "best", "vs_seed", "finalists")
    return None if said is None else {name: said[name] for name in names if name in said}

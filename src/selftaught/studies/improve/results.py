"""What the events of an improve run come to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun, said_result
from selftaught.core.statistics import estimate, paired_difference
from selftaught.journal.events import Evaluation
from selftaught.studies.improve.finalists import Scores, UnknownWorthError


def improve_result(run: RecordedRun) -> dict[str, Any] | None:
    """The seed, the best on val, and the other finalists; None before any was scored.

    Of a run that was cut, the best so far, by search as long as val has not decided; what was not
    measured is None. Older runs did not tell what a failure is worth; where that is needed, theirs
    is the result that they wrote down.
    """
    task = run.head.tasks[0]
    scores = Scores.of(run.events, task.lowest)
    try:
        if not scores.searched:
            return None
        seed, finalists = scores.searched[0], scores.decided()
        best = (finalists or scores.shortlist())[0]
        return {
            "task": task.name,
            "seed": _measured(run, scores, seed),
            "best": _measured(run, scores, best),
            "finalists": [_finalist(run, scores, one, best) for one in finalists],
        }
    except UnknownWorthError:
        return _as_it_said(run)


def _measured(run: RecordedRun, scores: Scores, program: str) -> dict[str, Any]:
    scored = [one for one in scores.outcomes(program, "test") if one.value is not None]
    names = sorted({name for one in scored for name in one.metrics})
    return {
        "search": scores.of_search(program),
        "val": _mean_of(scores.values(program, "val")),
        "test": _mean_of(scores.values(program, "test")),
        "metrics": {name: _mean(scored, name) for name in names},
        "program_id": program,
        "source": run.text(program) or "",
    }


def _mean_of(values: Sequence[float]) -> dict[str, Any] | None:
    """Over sets of instances; None if there are none."""
    return estimate({"": values}).as_json() if values else None


def _finalist(run: RecordedRun, scores: Scores, program: str, best: str) -> dict[str, Any]:
    """How far it is behind the best on val, paired by sets of instances; tied if that may be 0."""
    values = {"": scores.values(program, "val")}
    behind = paired_difference({"": scores.values(best, "val")}, values)
    low, high = behind.ci95 or (-math.inf, math.inf)
    return {
        "program_id": program,
        "source": run.text(program) or "",
        "search": scores.of_search(program),
        "val": estimate(values).as_json(),
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
    names = ("task", "seed", "best", "finalists")
    return None if said is None else {name: said[name] for name in names if name in said}

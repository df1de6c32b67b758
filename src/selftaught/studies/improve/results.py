"""What the events of an improve run come to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun, latest, said_result
from selftaught.core.statistics import estimate, paired_difference
from selftaught.journal.events import Evaluation, Phase
from selftaught.studies.improve.finalists import MEASURING, Scores, UnknownWorthError


def improve_result(run: RecordedRun) -> dict[str, Any] | None:
    """The seed, the best on val, and the other finalists; None before both were measured on test.

    Older runs did not tell what a failure is worth; where that is needed, theirs is the result
    that they wrote down.
    """
    scores = Scores.of(run)
    try:
        finalists = scores.finalists()
        seed = scores.searched[0] if scores.searched else ""
        if seed not in finalists:
            return None
        best = next(iter(finalists))
        if not (scores.outcomes(best, "test") and scores.outcomes(seed, "test")):
            return None
        return {
            "task": scores.task.name,
            **({"minimize": True} if scores.task.minimize else {}),
            "seed": _measured(run, scores, seed, finalists[seed]),
            "best": _measured(run, scores, best, finalists[best]),
            "finalists": [
                _finalist(scores, one, values, finalists[best]) for one, values in finalists.items()
            ],
            **_stopped(run),
        }
    except UnknownWorthError:
        return _as_it_said(run)


def _measured(
    run: RecordedRun, scores: Scores, program: str, val: Sequence[float]
) -> dict[str, Any]:
    scored = [one for one in scores.outcomes(program, "test") if one.value is not None]
    names = sorted({name for one in scored for name in one.metrics})
    return {
        "val": _mean_of(scores, val),
        "test": _mean_of(scores, scores.values(program, "test")),
        "metrics": {name: _mean(scored, name) for name in names},
        "program_id": program,
        "source": run.text(program) or "",
    }


def _mean_of(scores: Scores, values: Sequence[float]) -> dict[str, Any]:
    """In the task's own units."""
    return estimate({"": tuple(map(scores.task.worth, values))}).as_json()


def _finalist(
    scores: Scores, program: str, values: Sequence[float], best: Sequence[float]
) -> dict[str, Any]:
    """How far it is behind the best on val, paired by the sets of instances on which both were
    measured; tied if that may be 0."""
    search = scores.of_search(program)
    behind = paired_difference({"": best[: len(values)]}, {"": values})
    low, high = behind.ci95 or (-math.inf, math.inf)
    return {
        "program_id": program,
        "search": scores.task.worth(search) if math.isfinite(search) else None,
        "val": _mean_of(scores, values),
        "behind": behind.as_json(),
        "tied": low <= 0 <= high and not math.isinf(behind.mean),
    }


def _stopped(run: RecordedRun) -> dict[str, str]:
    """Why the search ended before its budget or its patience did; nothing if it did not."""
    phases = [one for one in latest(run.events, Phase).values() if one.name == MEASURING]
    why = phases[-1].detail if phases else ""
    return {"stopped": why} if why else {}


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
    names = ("task", "seed", "best", "finalists", "stopped")
    return None if said is None else {name: said[name] for name in names if name in said}

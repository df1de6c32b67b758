"""What the events of an improve run come to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun, latest, said_result
from selftaught.core.seeds import Stream
from selftaught.core.statistics import Bounds, Estimate, estimate, paired_difference
from selftaught.journal.events import Evaluation, Phase
from selftaught.studies.improve.finalists import MEASURING, Scores, UnknownWorthError

Finalists = Mapping[str, Sequence[float]]  # their values on val, as far as each came


def improve_result(run: RecordedRun) -> dict[str, Any] | None:
    """The seed, the best on val, and the other finalists; None before any was scored.

    Of a run that was cut, the best so far, by search as long as val has not decided; what was not
    measured is None. Older runs did not tell what a failure is worth; where that is needed, theirs
    is the result that they wrote down.
    """
    scores = Scores.of(run)
    try:
        if not scores.searched:
            return None
        seed, finalists = scores.searched[0], scores.finalists()
        best = next(iter(finalists), scores.shortlist()[0])
        return {
            "task": scores.task.name,
            **({"minimize": True} if scores.task.minimize else {}),
            "seed": _measured(run, scores, seed, finalists),
            "best": _measured(run, scores, best, finalists),
            "vs_seed": _vs_seed(run, scores, best, seed),
            "finalists": [_finalist(run, scores, one, finalists) for one in finalists],
            **_stopped(run),
        }
    except UnknownWorthError:
        return _as_it_said(run)


def _measured(
    run: RecordedRun, scores: Scores, program: str, finalists: Finalists
) -> dict[str, Any]:
    scored = [one for one in scores.outcomes(program, "test") if one.value is not None]
    names = sorted({name for one in scored for name in one.metrics})
    return {
        "search": _worth_of(scores, program),
        "val": _mean_of(run, scores, program, finalists.get(program), "val"),
        "test": _mean_of(run, scores, program, None, "test"),
        "metrics": {name: _mean(scored, name) for name in names},
        "program_id": program,
        "source": run.text(program) or "",
    }


def _worth_of(scores: Scores, program: str) -> float | None:
    """On search, in the task's own units; None where that is infinite."""
    search = scores.of_search(program)
    return scores.task.worth(search) if math.isfinite(search) else None


def _mean_of(
    run: RecordedRun,
    scores: Scores,
    program: str,
    values: Sequence[float] | None,
    stream: Stream,
) -> dict[str, Any] | None:
    """In the task's own units, over sets of instances; None if there are none.

    Programs that run may be worth as little as failures, and then their interval is known.
    Intervals of older runs are as of any values, but where a program failed on all sets.
    """
    known = scores.values(program, stream) if values is None else values
    if not known:
        return None
    costs = {"": tuple(map(scores.task.worth, known))}
    bounds, has_failed = _bounds(run, scores, stream, program)
    return estimate(costs, bounds, lowest_fails=has_failed).as_json()


def _difference(
    run: RecordedRun,
    scores: Scores,
    stream: Stream,
    pair: tuple[str, str],
    values: tuple[Sequence[float], Sequence[float]],
) -> Estimate:
    """Of the worths of the first and the second, paired by sets of instances."""
    first, second = ({"": one} for one in values)
    bounds, has_failed = _bounds(run, scores, stream, *pair)
    return paired_difference(first, second, bounds, lowest_fails=has_failed)


def _bounds(
    run: RecordedRun, scores: Scores, stream: Stream, *programs: str
) -> tuple[Bounds | None, bool]:
    """What intervals know of, and whether all of the programs failed on all sets.

    Values of a utility that draws nothing are known by one set: that they are equal is no luck.
    """
    bounds = run.head.bounds(scores.task)
    scored = [
        one for each in programs for one in scores.outcomes(each, stream) if one.value is not None
    ]
    if bounds is None or (scored and not bounds.widens):
        return None, not scored
    return bounds._replace(widens=bounds.widens and scores.has_drawn(scored)), not scored


def _vs_seed(run: RecordedRun, scores: Scores, best: str, seed: str) -> dict[str, Any] | None:
    """Best minus seed on test; None before both were measured."""
    values = scores.values(best, "test"), scores.values(seed, "test")
    if not values[0] or len(values[0]) != len(values[1]):
        return None
    return _difference(run, scores, "test", (best, seed), values).as_json()


def _finalist(
    run: RecordedRun, scores: Scores, program: str, finalists: Finalists
) -> dict[str, Any]:
    """How far it is behind the best on val, paired by the sets of instances on which both were
    measured; tied if that may be 0."""
    values, (best, highest) = finalists[program], next(iter(finalists.items()))
    pair = highest[: len(values)], values
    behind = _difference(run, scores, "val", (best, program), pair)
    low, high = behind.ci95 or (-math.inf, math.inf)
    return {
        "program_id": program,
        "source": run.text(program) or "",
        "search": _worth_of(scores, program),
        "val": _mean_of(run, scores, program, values, "val"),
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
    names = ("task", "seed", "best", "vs_seed", "finalists", "stopped")
    return None if said is None else {name: said[name] for name in names if name in said}

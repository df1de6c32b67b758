"""What the events of an improve run come to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.core.statistics import estimate
from selftaught.journal.events import Evaluation, Result
from selftaught.journal.reader import JournalReader
from selftaught.studies.improve.finalists import Scores, UnknownWorthError
from selftaught.studies.study import Standing


def improve_result(run: RecordedRun) -> dict[str, Any] | None:
    """The seed, the best on val, and the other finalists; None before both were measured on test.

    Older runs did not tell what a failure is worth; where that is needed, theirs is the result
    that they wrote down.
    """
    task = run.head.tasks[0]
    scores = Scores.of(run.events, task)
    try:
        finalists = scores.finalists()
        if not finalists:
            return None
        best, seed = finalists[0].program, scores.searched[0]
        if not (scores.outcomes(best, "test") and scores.outcomes(seed, "test")):
            return None
        return {
            "task": task.name,
            **({"minimize": True} if task.minimize else {}),
            "seed": _measured(run, scores, seed),
            "best": _measured(run, scores, best),
            "finalists": [one.as_json() for one in finalists],
        }
    except UnknownWorthError:
        return _as_it_said(run)


def _measured(run: RecordedRun, scores: Scores, program: str) -> dict[str, Any]:
    scored = [one for one in scores.outcomes(program, "test") if one.value is not None]
    names = sorted({name for one in scored for name in one.metrics})

    def mean(stream: str) -> Any:
        values = map(scores.task.worth, scores.values(program, stream))
        return estimate({"": tuple(values)}).as_json()

    return {
        "val": mean("val"),
        "test": mean("test"),
        "metrics": {name: _mean(scored, name) for name in names},
        "program_id": program,
        "source": run.text(program) or "",
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
    said = [event.body.shown for event in run.events if isinstance(event.body, Result)]
    names = ("task", "seed", "best", "finalists")
    return {name: said[-1][name] for name in names if name in said[-1]} if said else None


def standing(reader: JournalReader, run_id: str) -> Standing:
    """The best program, once it was measured."""
    said = [event.body for event in reader.events(run_id, (Result,))]
    if not said or not isinstance(said[-1], Result):
        return Standing()
    best = said[-1].shown["best"]
    val = best["val"]
    return Standing(0, best["program_id"], val["mean"] if isinstance(val, Mapping) else val)

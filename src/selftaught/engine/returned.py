"""What a utility returned, as an outcome."""

from __future__ import annotations

import math
from typing import Any

from selftaught.core.outcome import EvaluationOutcome, Failed, Scored
from selftaught.core.task import Measure, Task
from selftaught.engine.utility_error import UtilityError


def checked(
    task: Task, result: Any, *, asked: bool, cpu_s: float, printed: str, tier: str
) -> EvaluationOutcome:
    """The outcome that it is.

    Args:
        asked: whether the program was called.
    Raises: UtilityError if it is none, or outside of the task's range.
    """
    measure = result if isinstance(result, Measure) else Measure(result)
    try:
        value = float(measure.value)
        per_instance = tuple(float(item) for item in measure.per_instance)
        metrics = {str(name): float(number) for name, number in measure.metrics.items()}
    except (TypeError, ValueError, OverflowError) as error:
        raise UtilityError(
            task,
            f"must return a float or a Measure of floats, not {_short(result)} ({error})",
            fault="form",
            place=task.defined_at(),
            asked=asked,
        ) from None
    lo, hi = task.range
    if not (math.isfinite(value) and lo <= value <= hi):
        raise UtilityError(
            task,
            f"returned {value!r}, outside of its range ({lo:g}, {hi:g})",
            fault="range",
            place=task.defined_at(),
            asked=asked,
            then="; mend it or state another range",
        )
    try:
        broken = task.broken(metrics)
    except KeyError as missing:
        raise UtilityError(
            task,
            f"measures no metric {missing}, which has a constraint",
            fault="form",
            place=task.defined_at(),
            asked=asked,
            then="; return st.Measure(value, metrics={...})",
        ) from None
    if broken:
        return Failed("infeasible", broken, cpu_s, printed)
    return Scored(value, str(measure.feedback), per_instance, metrics, cpu_s, tier, printed)


def _short(result: Any) -> str:
    text = repr(result)
    return text if len(text) <= 60 else f"{text[:57]}..."

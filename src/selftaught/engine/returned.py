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

    Raises: UtilityError if it is none, or outside of the task's range.
    """

    def wrong(said: str, fault: str, then: str = "") -> UtilityError:
        place = task.defined_at()
        return UtilityError(task, said, fault=fault, place=place, asked=asked, then=then)

    measure = result if isinstance(result, Measure) else Measure(result)
    try:
        value = float(measure.value)
        per_instance = tuple(float(item) for item in measure.per_instance)
        metrics = {str(name): float(number) for name, number in measure.metrics.items()}
    except (TypeError, ValueError, OverflowError) as error:
        said = f"must return a float or a Measure of floats, not {_short(result)} ({error})"
        raise wrong(said, "form") from None
    lo, hi = task.range
    if not (math.isfinite(value) and lo <= value <= hi):
        said = f"returned {value!r}, outside of its range ({lo:g}, {hi:g})"
        raise wrong(said, "range", "; mend it or state another range")
    try:
        broken = task.broken(metrics)
    except KeyError as missing:
        said = f"measures no metric {missing}, which has a constraint"
        raise wrong(said, "form", "; return st.Measure(value, metrics={...})") from None
    if broken:
        return Failed("infeasible", broken, cpu_s, printed)
    return Scored(value, str(measure.feedback), per_instance, metrics, cpu_s, tier, printed)


def _short(result: Any) -> str:
    text = repr(result)
    return text if len(text) <= 60 else f"{text[:57]}..."

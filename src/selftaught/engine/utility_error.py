"""What a utility returned, as an outcome; its error, and whether it is one: a candidate may be at
fault.
"""

from __future__ import annotations

import math
import traceback
from collections import defaultdict
from pathlib import Path
from typing import Any

from selftaught.core.blame import Elsewhere, own_place, words_of
from selftaught.core.errors import ConfigError
from selftaught.core.outcome import EvaluationOutcome, Failed, Scored
from selftaught.core.program import Program
from selftaught.core.task import Measure, Task
from selftaught.core.text import clean
from selftaught.core.utility import Lost

# How the detail of a candidate's failure begins that the utility could not take its output for.
ON_CANDIDATE = "the utility "


class UtilityError(ConfigError):
    """A utility that raised, returned what is no score, or hangs: its author's error, named.

    Attributes:
        fault: its kind: the type of an exception, or a word.
        asked: whether the program had been called before, so that its output may be the reason.
    """

    def __init__(
        self,
        task: Task,
        why: str,
        *,
        fault: str,
        place: tuple[Path, int] | None,
        asked: bool,
        then: str = "",
    ) -> None:
        where = "" if place is None else f" ({place[0]}:{place[1]})"
        super().__init__(clean(f"task {task.name}: its utility {why}{where}{then}"))
        self.why = why
        self.fault = fault
        self.place = place
        self.asked = asked

    @classmethod
    def raised(cls, task: Task, error: BaseException, *, asked: bool) -> UtilityError:
        """What the utility raised, and where."""
        defined_at = task.defined_at()
        if isinstance(error, Elsewhere):
            place, asked = error.place or defined_at, asked and not error.hangs
            return cls(task, error.why, fault=error.fault, place=place, asked=asked)
        frames = traceback.extract_tb(error.__traceback__)
        place = own_place(frames, defined_at and defined_at[0]) or defined_at
        fault = type(error).__name__
        return cls(task, f"raised {words_of(error)}", fault=fault, place=place, asked=asked)

    @property
    def short(self) -> str:
        """Without folders of this machine, for feedback."""
        where = "" if self.place is None else f" ({self.place[0].name}:{self.place[1]})"
        return f"{ON_CANDIDATE}{self.why}{where}"


class Trials:
    """Which utilities have scored a program, and how those fail that have not.

    Args:
        most: programs on which a utility that has scored none may fail in one way and at one line.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._working: set[str] = set()
        self._failed: defaultdict[tuple[object, ...], set[str]] = defaultdict(set)

    def works(self, task: Task) -> None:
        """Its utility has scored a program."""
        self._working.add(task.name)

    def verdict(self, error: UtilityError, task: Task, program: Program) -> Failed:
        """The failure of a program whose output the utility could not take.

        A utility that works is not to be brought down by what one candidate returns; one that has
        yet to work may have met an odd candidate, but not on the user's own seed or every time.

        Raises: UtilityError if the utility is at fault.
        """
        if not error.asked:
            raise error
        if task.name not in self._working:
            if task.seed is not None and program.id == task.seed_program().id:
                raise error
            failed = self._failed[task.name, error.fault, error.place]
            failed.add(program.id)
            if len(failed) >= self._most:
                raise error if self._most == 1 else _on_all(error, task, len(failed))
        return Failed("bad_output", error.short)


def _on_all(error: UtilityError, task: Task, programs: int) -> UtilityError:
    return UtilityError(
        task,
        error.why,
        fault=error.fault,
        place=error.place,
        asked=error.asked,
        then=f", on each of {programs} different programs, and has scored none yet: mend it",
    )


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
    if isinstance(measure, Lost):  # an estimate, which may be outside of the range
        values = tuple(measure.per_instance)
        return Scored(
            measure.value, measure.feedback, values, cpu_s=cpu_s, tier=tier, share=measure.share
        )
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

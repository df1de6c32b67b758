"""What scores a program: the user's own function, or one that is made of two of them.

What is made of two can be raced: of a program that is scored against another, whose scores are
known, no more is done once it cannot become the better one.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from selftaught.core.errors import ConfigError, SelfTaughtError
from selftaught.core.outcome import Failed, Scored
from selftaught.core.statistics import student_t

if TYPE_CHECKING:  # who lists runs does not wait for it
    import numpy as np


class ProgramFailed(SelfTaughtError):
    """Raised by a call of a sandboxed program that failed; `.failure` says how.

    A utility may catch it, to give a failed instance a value of its own; uncaught, the whole
    evaluation is that failure.
    """

    def __init__(self, failure: Failed) -> None:
        super().__init__(f"{failure.kind}: {failure.detail}" if failure.detail else failure.kind)
        self.failure = failure


class SandboxedProgram(Protocol):
    """The handle through which a utility runs the candidate.

    Arguments and results are data: None, bool, int, float, str, bytes, list, tuple, dict, numpy
    scalars and numeric arrays. Not for use by several threads at once.
    """

    def __call__(self, *args: Any, cpu_s: float | None = None, **keywords: Any) -> Any:
        """Call the program's entry once, in the sandbox.

        Args:
            args, keywords: what the entry is called with; copied, never shared.
            cpu_s: CPU seconds that this call may use; None for the configured default, 1.
        Returns: what the entry returned, as data. `await program(x)` is the same, and lets the
            other coroutines of an async utility go on meanwhile.
        Raises: ProgramFailed.
        """
        ...

    def call(self, name: str, *args: Any, cpu_s: float | None = None, **keywords: Any) -> Any:
        """The same of any function of the program, by its name."""
        ...

    def map(
        self,
        inputs: Iterable[Any],
        *,
        cpu_s: float | None = None,
        failures: Literal["raise", "return"] = "raise",
    ) -> list[Any]:
        """Call the entry with each input as its one argument, over several guests.

        The split goes by index, never by load, so that results do not depend on the machine.

        Args:
            inputs: one argument a call.
            cpu_s: CPU seconds that each call may use; None for the configured default, 1.
            failures: "raise" the first failure by index, or "return" each as a `Failed` value.
        Returns: one result an input, in order.
        """
        ...


@dataclass(frozen=True, slots=True)
class Measure:
    """What a utility may return instead of a bare float.

    Attributes:
        value: the score, or the cost of a task that is minimised.
        per_instance: one value an instance, for intervals over instances.
        metrics: further named numbers, shown and never optimised; a task may limit them.
        feedback: text for the improver, on the search stream only.
    """

    value: float
    per_instance: Sequence[float] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    feedback: str = ""


UtilityResult: TypeAlias = float | Measure
Utility: TypeAlias = (
    "Callable[[Any, np.random.Generator], UtilityResult | Awaitable[UtilityResult]]"  # or a text
)


# How often a look may stop a program that would have become better, were differences normal.
_ERROR = 0.1
_FIRST_LOOK = 2  # instances; then at each power of two

CHEAP = "cheap"  # the metric that tells the cheap stage's value


@dataclass(frozen=True, slots=True)
class Lost(Measure):
    """What a race came to that was stopped: an estimate, from this share of the scoring."""

    share: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class Race:
    """Scoring a program against another.

    Attributes:
        against: what that scored, on all instances.
        sign: -1 if costs are compared.
    """

    against: Scored
    sign: int = 1

    def is_lost(self, values: Sequence[float], of: int) -> bool:
        """Whether the values on the first of so many instances tell that the mean over all of them
        will be below the other's.

        The remaining ones are like those: Student's t on the paired differences, whose mean is
        uncertain only by what is not scored yet (Cochran 1977, Sampling Techniques, 2.6).
        """
        n = len(values)
        if n < _FIRST_LOOK or n & (n - 1) or n >= of or len(self.against.per_instance) != of:
            return False
        gains = self._gains(values)
        if not all(map(math.isfinite, gains)):
            return False
        mean = math.fsum(gains) / n
        variance = math.fsum((one - mean) ** 2 for one in gains) / (n - 1)
        return mean + student_t(n - 1, _ERROR) * math.sqrt(variance * (1 / n - 1 / of)) < 0

    def lost(self, values: Sequence[float], of: int) -> Lost:
        """The other's value and the mean difference so far: on easy instances alone a program
        would seem to be better than it is."""
        gain = math.fsum(self._gains(values)) / len(values)
        said = f"scored on the first {len(values)} of {of} instances, {-gain:.4g} behind the best"
        value = self.against.value + self.sign * gain
        return Lost(value, values, feedback=said, share=Fraction(len(values), of))

    def _gains(self, values: Sequence[float]) -> list[float]:
        theirs = self.against.per_instance[: len(values)]
        return [self.sign * (one - two) for one, two in zip(values, theirs, strict=True)]


@dataclass(frozen=True, slots=True)
class PerInstance:
    """A utility from two functions: the mean score over instances.

    In a race a program is scored on more and more of them; so their order should tell nothing.

    Args:
        instances: makes the instances once from a generator.
        score: runs the program on one instance and scores its output.
    """

    instances: Callable[[np.random.Generator], Sequence[Any]]
    score: Callable[[SandboxedProgram, Any], float]

    def __call__(
        self, program: SandboxedProgram, rng: np.random.Generator, race: Race | None = None
    ) -> Measure:
        instances, values = self.instances(rng), list[float]()
        for instance in instances:
            values.append(float(self.score(program, instance)))
            if race is not None and race.is_lost(values, len(instances)):
                return race.lost(values, len(instances))
        if not values:
            raise ConfigError(f"{self.instances.__qualname__} made no instances")
        return Measure(value=math.fsum(values) / len(values), per_instance=values)


@dataclass(frozen=True, slots=True)
class Stages:
    """A utility from two utilities: what the full one says, once the cheap one has been asked.

    In a race a program goes on to the full one if it is as good as the other by the cheap one.

    Args:
        cheap: on the scale of the full one, such as the same on fewer or smaller instances.
        full: what counts.
        share: of a use of the utility that the cheap one costs, from 0.001 to 0.999.
        slack: by how much the cheap one may be worse.
    """

    cheap: Utility
    full: Utility
    share: float = 0.1
    slack: float = 0.0

    def __post_init__(self) -> None:
        if not 0.001 <= self.share <= 0.999:
            raise ConfigError(f"st.stages: share must be 0.001 to 0.999, not {self.share!r}")
        if not self.slack >= 0:
            raise ConfigError(f"st.stages: slack must be 0 or more, not {self.slack!r}")

    def __call__(
        self, program: SandboxedProgram, rng: np.random.Generator, race: Race | None = None
    ) -> Measure:
        value = float(_measured(self.cheap, program, rng).value)
        if race is not None and CHEAP in race.against.metrics:
            behind = race.sign * (race.against.metrics[CHEAP] - value)
            if self.slack < behind < math.inf:
                said = f"scored by the cheap stage alone, {behind:.4g} behind the best"
                estimate = race.against.value - race.sign * behind
                share = Fraction(self.share).limit_denominator(1000)
                return Lost(estimate, metrics={CHEAP: value}, feedback=said, share=share)
        measure = _measured(self.full, program, rng)
        return replace(measure, metrics={**measure.metrics, CHEAP: value})


def _measured(utility: Utility, program: SandboxedProgram, rng: np.random.Generator) -> Measure:
    result = utility(program, rng)
    if inspect.isawaitable(result):
        import asyncio

        result = asyncio.run(_awaited(result))
    return result if isinstance(result, Measure) else Measure(result)


async def _awaited(result: Awaitable[UtilityResult]) -> UtilityResult:
    return await result


RACED = (PerInstance, Stages)

per_instance, stages = PerInstance, Stages  # the public names

"""What scores a program: the user's own function, or one that is made of two of them."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from selftaught.core.errors import ConfigError, SelfTaughtError
from selftaught.core.outcome import Failed

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

    def __call__(self, *args: Any, cpu_s: float | None = None) -> Any:
        """Call the program's entry once, in the sandbox.

        Args:
            args: what the entry is called with; copied, never shared.
            cpu_s: CPU seconds that this call may use; None for the configured default, 1.
        Returns: what the entry returned, as data. `await program(x)` is the same, and lets the
            other coroutines of an async utility go on meanwhile.
        Raises: ProgramFailed.
        """
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
    "Callable[[SandboxedProgram, np.random.Generator], UtilityResult | Awaitable[UtilityResult]]"
)


@dataclass(frozen=True, slots=True)
class PerInstance:
    """A utility from two functions: the mean score over instances.

    Args:
        instances: makes the instances once from a generator.
        score: runs the program on one instance and scores its output.
    """

    instances: Callable[[np.random.Generator], Sequence[Any]]
    score: Callable[[SandboxedProgram, Any], float]

    def __call__(self, program: SandboxedProgram, rng: np.random.Generator) -> Measure:
        values = [float(self.score(program, instance)) for instance in self.instances(rng)]
        if not values:
            raise ConfigError(f"{self.instances.__qualname__} made no instances")
        return Measure(value=math.fsum(values) / len(values), per_instance=values)


per_instance = PerInstance  # the public name

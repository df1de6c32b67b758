"""How the tests of the tasks score a program."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np
import pytest

import selftaught as st
from selftaught.core.seeds import Stream, instance_generator, solution_seed
from selftaught.testing.task_conformance import Scorer


class InProcessProgram:
    """A `SandboxedProgram` that contains nothing: for our own seeds and cheats only."""

    def __init__(self, source: str, entry: str, stream: Stream) -> None:
        self._namespace: dict[str, Any] = {}
        self._stream = stream
        self._calls = 0
        self._guarded(lambda: exec(compile(source, "<program>", "exec"), self._namespace))
        self._entry: Callable[..., Any] = self._namespace[entry]

    def __call__(self, *args: Any, cpu_s: float = 1.0) -> Any:
        np.random.seed(solution_seed(self._stream, "0", self._calls) % 2**32)
        self._calls += 1
        output = self._guarded(lambda: self._entry(*copy.deepcopy(args)))
        try:
            return copy.deepcopy(output)
        except Exception as error:  # noqa: BLE001 - the cheat's own
            raise st.ProgramFailed(st.Failed("bad_output", type(error).__name__)) from None

    def map(
        self,
        inputs: Iterable[Any],
        *,
        cpu_s: float = 1.0,
        failures: Literal["raise", "return"] = "raise",
    ) -> list[Any]:
        return [self(value, cpu_s=cpu_s) for value in inputs]

    def _guarded(self, run: Callable[[], Any]) -> Any:
        state = np.random.get_state()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return run()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the program's own
            raise st.ProgramFailed(st.Failed("raised", repr(error)[:200])) from None
        finally:
            np.random.set_state(state)


class InProcessScorer:
    """`st.score` without a sandbox."""

    contained = False

    def __call__(
        self, task: st.Task, program: str, *, stream: Stream = "search", seed: int = 0
    ) -> st.Scored | st.Failed:
        rng = instance_generator(seed, task.name, stream, "0")
        try:
            measure = task.utility(InProcessProgram(program, task.entry, stream), rng)
        except st.ProgramFailed as error:
            return error.failure
        assert isinstance(measure, st.Measure)
        return st.Scored(measure.value, per_instance=tuple(measure.per_instance))


@pytest.fixture(scope="session")
def score() -> Scorer:
    """Seam: return `st.score` here, and the same tests run in the sandbox, hanging cheats too."""
    return InProcessScorer()

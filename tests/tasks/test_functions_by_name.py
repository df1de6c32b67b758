"""Functions besides the entry, keyword arguments, and state that lasts or does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import selftaught as st
from selftaught.core.errors import ConfigError
from selftaught.testing.task_conformance import Scorer

PROGRAM = """
calls = 0


def algorithm(x, by=1):
    global calls
    calls += 1
    if x < 0:
        raise ValueError("below 0")
    return x * by


def count(*, plus):
    return calls + plus
"""


def task(utility: Any, **how: Any) -> st.Task:
    return st.Task("named", PROGRAM, utility, description="as it is called", **how)


def test_any_function_is_called_by_its_name_and_with_keywords(score: Scorer) -> None:
    def utility(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
        assert program(2, by=3) == program.call("algorithm", 2, by=3) == 6
        assert program.call("count", plus=10) == 12
        return 1.0

    assert isinstance(score(task(utility), PROGRAM), st.Scored)


async def awaits(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
    return float(await program.call("count", plus=1)) + float(program.call("count", plus=1))


def test_such_a_call_can_be_awaited(score: Scorer) -> None:
    outcome = score(task(awaits), PROGRAM)
    assert outcome.value == 2


def test_a_function_that_is_not_there_is_the_program_s_failure(score: Scorer) -> None:
    outcome = score(task(lambda program, rng: program.call("nothing")), PROGRAM)
    assert (outcome.kind, getattr(outcome, "detail", "")) == (
        "no_code",
        "the program defines no function 'nothing'",
    )


def counted_after_a_failure(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
    program.map([1, 2])
    with pytest.raises(st.ProgramFailed, match="below 0"):
        program(-1)
    return float(program.call("count", plus=0))


def test_state_is_gone_after_a_failure_unless_it_must_last(score: Scorer) -> None:
    assert score(task(counted_after_a_failure), PROGRAM).value == 0
    lost = score(task(counted_after_a_failure, stateful=True), PROGRAM)
    assert isinstance(lost, st.Failed)
    assert lost.detail.startswith("ValueError: below 0")


def test_state_lasts_over_all_calls_also_those_of_map(score: Scorer) -> None:
    def utility(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
        program.map([1, 2, 3])
        return float(program.call("count", plus=0))

    assert score(task(utility, stateful=True), PROGRAM).value == 3


def test_a_task_that_keeps_state_is_another_version() -> None:
    assert task(awaits).version != task(awaits, stateful=True).version
    with pytest.raises(ConfigError, match="no kind"):
        task(awaits, kind="prose")

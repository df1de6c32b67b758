"""One sandbox for the many programs of a test scores as `st.score` does."""

from __future__ import annotations

import numpy as np
import pytest

import selftaught as st
from selftaught.core.errors import ConfigError
from selftaught.testing.scoring import scorer


def utility(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
    """A random number, as the program returns it."""
    return float(program(float(rng.random()), cpu_s=0.1))


SEED = "def algorithm(x):\n    return x\n"
TASK = st.Task("echo", SEED, utility)


def test_it_scores_as_st_score_does_with_instances_that_are_everybodys() -> None:
    with scorer() as score:
        outcomes = [score(TASK, SEED, stream="val", seed=3), score(TASK, SEED, seed=3)]
    expected = st.score(TASK, SEED, "val", 3, instance_key="public")
    assert isinstance(expected, st.Scored)
    assert [isinstance(outcome, st.Scored) for outcome in outcomes] == [True, True]
    assert outcomes[0].value == expected.value != outcomes[1].value


def test_a_program_that_fails_is_a_value_and_the_next_one_is_scored() -> None:
    with scorer({"wall_s": 0.5}) as score:
        waits = score(TASK, "import time\n\n\ndef algorithm(x):\n    time.sleep(60)\n")
        assert isinstance(waits, st.Failed)
        assert waits.kind == "timeout"
        assert isinstance(score(TASK, SEED), st.Scored)


def test_a_setting_of_the_sandbox_that_there_is_not_is_named() -> None:
    with pytest.raises(ConfigError, match="memory_gb"), scorer({"memory_gb": 1}):
        pass

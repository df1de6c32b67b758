"""What became of the model's replies, as a run tells it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selftaught as st
from selftaught.journal.events import Evaluation, Notice, Replies
from selftaught.journal.reader import open_reader

SEED = """
# EVOLVE-BLOCK-START
GAIN = 1.0
# EVOLVE-BLOCK-END


def algorithm(x):
    return min(0.9, GAIN * x)
"""


def utility(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
    return float(program(0.5))


def improved(folder: Path, reply: str, seed: str = SEED, **how: Any) -> Any:
    """A run whose model always says the same."""
    task = st.Task(name="gain", seed=seed, utility=utility, range=(0.0, 1.0), description="gain")
    settings: dict[str, Any] = {"budget": {"lm_calls": 3}, "improver": "greedy"}
    return st.improve(
        task,
        model=lambda prompt: [reply] * prompt.n,
        store=f"sqlite:///{folder / 'store.db'}",
        instance_key="public",
        **settings | how,
    )


def bodies(folder: Path, run_id: str, kind: type[Any]) -> list[Any]:
    with open_reader(f"sqlite:///{folder / 'store.db'}") as reader:
        return [event.body for event in reader.events(run_id, [kind])]


def counts(result: Any) -> dict[str, int]:
    rows = (one for one in result.data["outcomes"] if one["what"] == "replies")
    return {one["outcome"]: one["count"] for one in rows}


def test_what_stands_outside_of_the_marks_is_as_it_was_whatever_the_model_sent(
    tmp_path: Path,
) -> None:
    sent = SEED.replace("1.0", "1.5").replace("min(0.9, GAIN * x)", "1.0")
    result = improved(tmp_path, f"```python\n{sent}\n```")
    assert result.data["best"]["source"].strip() == SEED.replace("1.0", "1.5").strip()
    assert result.data["best"]["val"]["mean"] == pytest.approx(0.75)
    assert counts(result)["better than what was shown"] > 0


def test_marks_that_are_lost_are_told_as_a_failure(tmp_path: Path) -> None:
    result = improved(tmp_path, "```python\ndef algorithm(x):\n    return 1.0\n```")
    assert result.data["best"]["source"].strip() == SEED.strip()
    failed = [one for one in bodies(tmp_path, result.run_id, Evaluation) if one.value is None]
    assert failed
    assert all("EVOLVE-BLOCK-START" in one.detail for one in failed)


def test_edits_are_applied_to_the_program_that_the_prompt_showed(tmp_path: Path) -> None:
    edit = "<<<<<<< SEARCH\nGAIN = 1.0\n=======\nGAIN = 1.7\n>>>>>>> REPLACE\n"
    result = improved(tmp_path, f"I raise the gain.\n\n{edit}")
    assert "GAIN = 1.7" in result.data["best"]["source"]
    # The next prompts show the new program, to which the same edit does not apply.
    assert counts(result)["lost: edits that do not apply"] > 0
    read = bodies(tmp_path, result.run_id, Replies)
    assert any("not found" in detail for one in read for detail in one.details)


@pytest.mark.parametrize(
    ("reply", "became", "to_do"),
    [
        ("I cannot do that.", "lost: no program", "hold no program"),
        ("", "lost: empty", "are empty"),
        ("<think>Let me see", "lost: thoughts alone", "--reasoning-effort"),
        (
            "```python\ndef algorithm(x):\n    # ... rest unchanged\n    return x\n```",
            "lost: comments in place of code",
            "in place of code",
        ),
    ],
)
def test_a_way_of_losing_a_third_of_the_replies_is_told_once_with_what_to_do(
    tmp_path: Path, reply: str, became: str, to_do: str
) -> None:
    result = improved(tmp_path, reply, seed="def algorithm(x):\n    return x\n")
    assert counts(result) == {became: 18}
    notices = [one.detail for one in bodies(tmp_path, result.run_id, Notice)]
    assert sum(to_do in notice for notice in notices) == 1

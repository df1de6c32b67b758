"""Whole runs: the same seed gives the same journal, whatever the number of slots."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canonical import canonical_journal
from selftaught.app.compose import run_study
from selftaught.app.discovery import load_task
from selftaught.core.budget import Budget, ImproverLimits
from selftaught.core.language_model import Prompt
from selftaught.core.ports import Sandbox
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.core.seeds import PUBLIC_KEY
from selftaught.core.task import SandboxedProgram, Task
from selftaught.engine.context import RunContext
from selftaught.engine.evaluate import Evaluator
from selftaught.engine.ledger import Ledger
from selftaught.engine.limit import AdaptiveLimit
from selftaught.engine.requests import Requester
from selftaught.executors.local import LocalExecutor
from selftaught.journal.journal import open_journal
from selftaught.journal.reader import open_reader
from selftaught.models.scripted import Scripted
from selftaught.studies.improvers import load_improver
from selftaught.studies.settings import make_config
from selftaught.studies.stop.study import RunConfig
from selftaught.studies.study import Asked
from study_support import studied

GOLDEN = Path(__file__).parent / "golden" / "journal.txt"
RUN_ID = "a-run"

SEED_IMPROVER = '''\
"""Ask once, take the best."""
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    texts = language_model.prompt("expert", "Improve:\\n" + initial_solution, n_responses=5)
    return max([initial_solution, *filter(None, extract_code(texts))], key=utility)
'''
BETTER_IMPROVER = SEED_IMPROVER.replace("Ask once", "Ask nicely").replace(
    "Improve:", "Please improve:"
)
SEED_PROGRAM = "def algorithm(x):\n    return x\n"


def nearness(program: SandboxedProgram, rng: np.random.Generator) -> float:
    """How near it comes to x + 3, over four numbers."""
    misses = [min(10.0, abs(program(x) - x - 3)) for x in rng.integers(0, 100, 4).tolist()]
    return 1.0 - sum(misses) / 40


TASK = Task("nearness", SEED_PROGRAM, nearness, (0.0, 1.0), description="near x + 3 is better")


def fenced(code: str) -> str:
    return f"Here it is.\n```python\n{code}```\n"


def answer(prompt: Prompt) -> Sequence[str]:
    """Fixed answers: those for improvers, for a plain wish, and for a polite one."""
    if "improve_algorithm" in prompt.user:
        raising = SEED_IMPROVER.replace("    return", "    1 / 0\n    return")
        return [fenced(raising), "I would rather not.", fenced(BETTER_IMPROVER)][: prompt.n]
    best = 3 if prompt.user.startswith("Please") else 2
    shifts = [SEED_PROGRAM.replace("return x", f"return x + {shift}") for shift in (1, best)]
    broken = ["def algorithm(x:\n", "def algorithm(x):\n    return 1 / 0\n"]
    return [fenced(code) for code in (*shifts, *broken)][: prompt.n]


async def stop_once(
    sandbox: Sandbox, folder: Path, slots: int, budget: Budget | None = None, **more: Any
) -> tuple[dict[str, Any], str]:
    """The result of a small run, and its journal as text."""
    url = f"sqlite:///{folder}/store-{slots}.db"
    journal = open_journal(url)
    executor = LocalExecutor(sandbox, candidates=slots, outer=slots, inner=2 * slots)
    async with executor.running():
        evaluator = Evaluator(executor, run_seed=7, instance_key=PUBLIC_KEY)
        context = RunContext(
            run_id=RUN_ID,
            seed=7,
            limits=ImproverLimits(calls=2, samples_per_call=4, utility_uses=6, cpu_s=20.0),
            max_tokens=100,
            requesters=[Requester(Scripted("scripted:answers", answer), AdaptiveLimit(32))],
            executor=executor,
            evaluator=evaluator,
            journal=journal,
            ledger=Ledger(budget or Budget()),
        )
        settings = {"iterations": 1, "runs": {"search": 1, "val": 2, "test": 2}, **more}
        config = make_config(RunConfig, settings)
        asked = Asked(config, [TASK], Program(SEED_IMPROVER, IMPROVER_ENTRY))
        try:
            result = await studied(context, asked)
        finally:
            await evaluator.aclose()
            await journal.aclose()
    with open_reader(url) as reader:
        return result, canonical_journal(reader, RUN_ID)


@pytest.fixture(scope="module")
def once(any_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return asyncio.run(stop_once(any_sandbox, tmp_path_factory.mktemp("once"), 1))


def test_the_journal_of_a_small_run_is_the_golden_one(once: Any) -> None:
    _, dump = once
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(dump, encoding="utf-8")
    assert dump == GOLDEN.read_text(encoding="utf-8"), "if meant: UPDATE_GOLDEN=1 pytest, and look"


def test_the_same_run_again_has_the_same_journal_whatever_the_number_of_slots(
    once: Any, any_sandbox: Sandbox, tmp_path: Path
) -> None:
    for slots in (1, 2, 3):
        _, dump = asyncio.run(stop_once(any_sandbox, tmp_path, slots))
        assert dump == once[1]


def test_a_better_improver_is_found_adopted_and_compared(once: Any) -> None:
    result, _ = once
    better = Program(BETTER_IMPROVER.rstrip("\n")).id, Program(BETTER_IMPROVER).id
    assert result["state"] == "done"
    assert result["best_improver_id"] in better
    assert [step["t"] for step in result["iterations"]] == [0, 1]
    assert result["iterations"][0]["val"]["mean"] == pytest.approx(0.9)
    assert result["iterations"][1]["val"]["mean"] == pytest.approx(1.0)
    assert result["iterations"][1]["proposal"]["accepted"] is True
    assert result["comparison"]["vs_seed"]["mean"] == pytest.approx(0.1)
    assert result["comparison"]["seed_restarted"] is not None
    assert result["usage"]["lm_calls"] > 0


def test_a_budget_that_ends_in_the_middle_keeps_what_is_complete(
    any_sandbox: Sandbox, tmp_path: Path
) -> None:
    result, _ = asyncio.run(stop_once(any_sandbox, tmp_path, 2, Budget(lm_calls=6)))
    assert result["state"] == "budget"
    assert [step["t"] for step in result["iterations"]] == [0]
    assert result["comparison"]["final"] == result["comparison"]["seed"]
    assert result["usage"]["lm_calls"] <= 6


@pytest.mark.slow
def test_the_mutator_gives_the_same_run_twice_and_with_any_number_of_slots(
    any_sandbox: Sandbox, tmp_path: Path
) -> None:
    def run(slots: int, number: int) -> dict[str, Any]:
        config = make_config(
            RunConfig,
            {
                "tasks": ("flow_shop",),
                "iterations": 1,
                "runs": {"search": 1, "val": 2, "test": 2},
                "limits": {"samples_per_call": 3, "utility_uses": 6},
                "seed": 5,
                "slots": slots,
                "tier": any_sandbox.tier,
                "store": f"sqlite:///{tmp_path}/store-{number}.db",
            },
        )
        asked = Asked(config, [load_task("flow_shop")], load_improver("seed"))
        result = asyncio.run(run_study(asked))
        return {k: v for k, v in result.items() if k not in ("run_id", "wall_s")}

    first = run(1, 0)
    assert first["state"] == "done"
    assert first["usage"]["samples"] > 10
    assert run(1, 1) == first
    assert run(2, 2) == first

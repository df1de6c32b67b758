"""Many improver runs, a third of them hostile in turn: honest ones right, nothing left behind.

`make soak` does 2,000 in each tier (SELFTAUGHT_IMPROVERS).
"""

from __future__ import annotations

import asyncio
import gc
import os

import pytest
from engine_support import CountedUtility, LoggedModel, improver, make_context

from sandbox_support import open_descriptors, resident_bytes
from selftaught.attacks.catalogue import load_attacks
from selftaught.attacks.stage import prepared, set_stage
from selftaught.core.budget import ImproverLimits
from selftaught.core.outcome import Failed
from selftaught.core.ports import GuestLimits, Sandbox
from selftaught.core.program import Program
from selftaught.engine.context import RunContext
from selftaught.executors.local import LocalExecutor

RUNS = int(os.environ.get("SELFTAUGHT_IMPROVERS", "60"))
AT_ONCE = 20
GROWTH_BYTES = 20 << 20
LIMITS = ImproverLimits(calls=2, samples_per_call=3, utility_uses=4, cpu_s=0.5)
GUEST = GuestLimits(
    memory_bytes=512 << 20, threads=16, frame_bytes=4 << 20, output_bytes=1 << 20, wall_s=1.0
)
HONEST = """
def improve_algorithm(initial_solution, utility, language_model):
    replies = language_model.prompt("e", initial_solution, n_responses=3)
    scores = utility.map(replies)
    return replies[scores.index(max(scores))] + f" of {len(replies)}"
"""
# Dies, spins, or stops to listen, at an instant of its own.
MOODY = """
import os, time
def improve_algorithm(initial_solution, utility, language_model):
    number = int(initial_solution)
    while os.times().user < 0.5 * (number % 13) / 12:
        pass
    if number % 3 == 0:
        os.closerange(0, 64)
    if number % 3 == 1:
        os._exit(number % 7)
    while True:
        pass
"""


@pytest.mark.timeout(1800)
def test_many_improver_runs_a_third_of_them_hostile_leave_nothing_behind(sandbox: Sandbox) -> None:
    with set_stage() as stage:
        attacks = [attack for attack in load_attacks() if attack.role == "improver"]
        hostile = [prepared(attack.source, stage.facts) for attack in attacks]
        asyncio.run(run_all(sandbox, [MOODY, *hostile]))


async def run_all(sandbox: Sandbox, hostile: list[str]) -> None:
    executor = LocalExecutor(sandbox, candidates=2)
    async with executor.running():
        context = make_context(executor, LoggedModel(), limits=LIMITS)
        context.guest_limits, context.prompt_bytes = GUEST, 1 << 14
        descriptors, resident = 0, 0
        for start in range(0, RUNS, 2 * AT_ONCE):
            if start == 2 * AT_ONCE:  # allocators and caches have found their sizes
                descriptors, resident = measured(context)
            await asyncio.gather(
                *(one_run(context, number, hostile) for number in range(start, start + 2 * AT_ONCE))
            )
        descriptors_now, resident_now = measured(context)
        assert descriptors_now == descriptors
        assert resident_now - resident < GROWTH_BYTES


def measured(context: RunContext) -> tuple[int, int]:
    """Descriptors and bytes, with what the fakes remember forgotten."""
    context.journal.events.clear()  # type: ignore[attr-defined]
    context.model.prompts.clear()  # type: ignore[attr-defined]
    gc.collect()
    return open_descriptors(), resident_bytes()


async def one_run(context: RunContext, number: int, hostile: list[str]) -> None:
    """Raises what is our own failure, and if an honest run does not return what it should."""
    is_honest = number % 3 != 2
    source = HONEST if is_honest else hostile[number // 3 % len(hostile)]
    utility = CountedUtility()
    outcome, _ = await improver(context, source).run(utility, Program(str(number)))
    if is_honest:
        assert isinstance(outcome, Program), outcome
        assert outcome.source.endswith("of 3")
        assert outcome.source.startswith(f"{number} #")
    else:
        assert isinstance(outcome, (Program, Failed))

"""Attacks behind the real wall: executor, broker, ledger and evaluator as in any run."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from selftaught.attacks.catalogue import Attack, Verdict
from selftaught.attacks.stage import (
    CPU_S,
    HONEST,
    HONEST_IMPROVER,
    IMPROVER_LIMITS,
    LIMITS,
    MOST_READ_BYTES,
    RUN_SEED,
    TASK_NAME,
    Stage,
    draw,
    prepared,
    set_stage,
)
from selftaught.attacks.watched import WatchedSandbox
from selftaught.core.budget import Budget, Usage
from selftaught.core.errors import SelfTaughtError
from selftaught.core.language_model import Completions, FreeModel, Prompt
from selftaught.core.outcome import Failed, Scored
from selftaught.core.ports import Sandbox
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.core.task import SandboxedProgram, Task
from selftaught.engine.context import RunContext
from selftaught.engine.evaluate import Evaluator, Question
from selftaught.engine.invoke import SandboxedImprover
from selftaught.engine.ledger import Ledger
from selftaught.engine.limit import AdaptiveLimit
from selftaught.engine.requests import Requester
from selftaught.engine.utilities import TaskUtility
from selftaught.executors.local import LocalExecutor
from selftaught.journal.port import NoJournal

_HONEST_WAIT_S = 20.0


class Arena:
    """One tier of the sandbox, running."""

    def __init__(self, executor: LocalExecutor, sandbox: WatchedSandbox) -> None:
        self._executor = executor
        self._sandbox = sandbox

    async def attack(self, attack: Attack) -> Verdict:
        """Run one attack, one at a time, and look for what it did."""
        with set_stage() as stage:
            self._sandbox.watch.begin(stage.token)
            run = self._candidate if attack.role == "candidate" else self._improver
            try:
                through, detail = await run(attack, stage)
            except SelfTaughtError as error:
                through, detail = f"the host failed: {error}", ""
            await asyncio.sleep(attack.lingers_s)
            watch = self._sandbox.watch
            if watch.read_bytes > MOST_READ_BYTES:
                through = through or f"the host read {watch.read_bytes:,} bytes"
            through = through or "; ".join(stage.traces()) or None
            return Verdict(watch.attempted, through, detail)

    async def _candidate(self, attack: Attack, stage: Stage) -> tuple[str | None, str]:
        # The key that instances derive from is secret; the run's seed is the default one.
        evaluator = Evaluator(self._executor, RUN_SEED, secrets.token_hex(16), LIMITS)
        task = _attacked_task(attack)
        program = Program(prepared(attack.source, stage.facts))
        for repeat in range(attack.evaluations):
            outcome = await evaluator.score(program, Question(task, "search", str(repeat)))
            if isinstance(outcome, Scored) and outcome.value == 1.0:
                return "it was taken for the right answer", ""
        honest = await evaluator.score(
            Program(HONEST), Question(_honest_task(), "search", attack.name)
        )
        if not (isinstance(honest, Scored) and honest.value == 1.0):
            return "the next program was wrong", str(honest)
        return None, _said(outcome)

    async def _improver(self, attack: Attack, stage: Stage) -> tuple[str | None, str]:
        model = _Model(stage.secret)
        context = _context(self._executor, model)
        task = _attacked_task(attack)
        hostile = asyncio.create_task(
            _improve(context, prepared(attack.source, stage.facts), task, "attack")
        )
        honest = asyncio.create_task(_improve(context, HONEST_IMPROVER, task, "honest"))
        done, _ = await asyncio.wait({honest}, timeout=_HONEST_WAIT_S)
        if not done or honest.exception() or honest.result() != stage.secret:
            for one in (hostile, honest):
                one.cancel()
            await asyncio.gather(hostile, honest, return_exceptions=True)
            return "the host did not serve another improver rightly", ""
        result = await hostile
        if isinstance(result, str):
            await context.evaluator.score(Program(result), Question(task, "search", "returned"))
        honest_again = await _improve(context, HONEST_IMPROVER, task, "honest")
        if honest_again != stage.secret:
            return "the next improver was wrong", str(honest_again)
        return _gained(result, model), _said(result)


@contextlib.asynccontextmanager
async def arena(sandbox: Sandbox) -> AsyncIterator[Arena]:
    """Start the tier; a key should be planted in the environment by then (`stage.planted`)."""
    watched = WatchedSandbox(sandbox)
    async with LocalExecutor(watched, candidates=1, outer=1, inner=2).running() as executor:
        yield Arena(executor, watched)


def _attacked_task(attack: Attack) -> Task:
    def utility(program: SandboxedProgram, rng: np.random.Generator) -> float:
        question, answer = draw(rng)
        output: Any = None
        for _ in range(attack.calls):
            output = program(question, cpu_s=attack.seconds or CPU_S)
        return float(output is True or (type(output) is int and output == answer))

    return Task(
        name=TASK_NAME,
        seed="def algorithm(question):\n    return 0\n",
        utility=utility,
        range=(0.0, 1.0),
        description="Answer the question.",
    )


def _honest_task() -> Task:
    def utility(program: SandboxedProgram, rng: np.random.Generator) -> float:
        number = int(rng.integers(1 << 40))
        return float(program(number, cpu_s=CPU_S) == 2 * number)

    return Task("honest", HONEST, utility, range=(0.0, 1.0), description="Double it.")


async def _improve(context: RunContext, source: str, task: Task, repeat: str) -> str | Failed:
    utility = TaskUtility(context, task, "search", repeat)
    improver = SandboxedImprover(context, Program(source, IMPROVER_ENTRY), "improve")
    outcome, _ = await improver.run(utility, task.seed_program())
    return outcome if isinstance(outcome, Failed) else outcome.source


def _gained(result: str | Failed, model: _Model) -> str | None:
    """What the hostile improver got that it may not have."""
    if result == "THROUGH":
        return "it says so"
    limits = IMPROVER_LIMITS
    if model.samples > limits.calls * limits.samples_per_call:
        return f"{model.samples} samples of {limits.calls * limits.samples_per_call}"
    return None


def _said(outcome: Any) -> str:
    if isinstance(outcome, Failed):
        return f"{outcome.kind}: {outcome.detail}".partition("\n")[0]
    return f"it came to {getattr(outcome, 'value', 'nothing')}"


@dataclass
class _Model(FreeModel):
    """Answers the honest improver with the secret, and counts what others draw."""

    secret: str
    name: str = "attacked:model"
    samples: int = 0

    async def sample(self, prompt: Prompt) -> Completions:
        if prompt.system == "honest":
            return Completions((self.secret,) * prompt.n, Usage(requests=1), self.name)
        self.samples += prompt.n
        await asyncio.sleep(0.01)
        texts = ("a public reply",) * prompt.n
        return Completions(texts, Usage(requests=1), self.name)


def _context(executor: LocalExecutor, model: _Model) -> RunContext:
    key = secrets.token_hex(16)
    return RunContext(
        run_id="attack",
        seed=RUN_SEED,
        limits=replace(IMPROVER_LIMITS),
        max_tokens=100,
        requesters=[Requester(model, AdaptiveLimit(32))],
        executor=executor,
        evaluator=Evaluator(executor, RUN_SEED, key, LIMITS),
        journal=NoJournal(),
        ledger=Ledger(Budget()),
        guest_limits=LIMITS,
    )

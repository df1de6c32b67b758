"""Fakes that implement the ports, and a run's context made of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar

from selftaught.core.budget import Budget, ImproverLimits, Usage
from selftaught.core.errors import InfrastructureError
from selftaught.core.language_model import Completions, Prompt
from selftaught.core.outcome import EvaluationOutcome, Failed
from selftaught.core.ports import CandidateSlot, Evaluation, Executor, Job
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.core.seeds import PUBLIC_KEY
from selftaught.engine.context import RunContext
from selftaught.engine.evaluate import Evaluator, evaluate_watched
from selftaught.engine.invoke import SandboxedImprover
from selftaught.engine.ledger import Ledger
from selftaught.engine.limit import AdaptiveLimit
from selftaught.engine.requests import Requester
from selftaught.engine.utilities import Facts, QueriedUtility
from selftaught.journal.codec import Body, as_json

T = TypeVar("T")


@dataclass
class World:
    """One event loop with an executor that runs in it, for many tests."""

    runner: asyncio.Runner
    executor: Executor
    slots: int

    def run(self, work: Coroutine[Any, Any, T], limit_s: float = 60.0) -> T:
        """Run to the end in the executor's loop; a deadlock is a TimeoutError."""
        return self.runner.run(asyncio.wait_for(work, limit_s))


@dataclass
class MemoryJournal:
    """A journal that keeps events in a list, as the JSON data that would be stored."""

    events: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def append(self, run_id: str, body: Body, key: str, texts: Sequence[str] = ()) -> None:
        self.events.append((body.kind, key, as_json(body)))

    async def flush(self, *, durable: bool = False) -> None:
        """Nothing waits."""

    async def aclose(self) -> None:
        """Nothing is held."""

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [body for found, _, body in self.events if found == kind]


def numbered(prompt: Prompt) -> list[str]:
    """Answers that tell their message and place."""
    return [f"{prompt.user} #{index}" for index in range(prompt.n)]


async def no_sleep(delay_s: float) -> None:
    """Waiting times that are over at once."""
    await asyncio.sleep(0)


@dataclass
class LoggedModel:
    """A model that remembers its prompts, and how many it answered at once."""

    answer: Callable[[Prompt], Sequence[str] | Awaitable[Sequence[str]]] = numbered
    name: str = "fake:model"
    prompts: list[Prompt] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    delay_s: float = 0.0
    usd_per_sample: float = 0.0
    samples_per_request: int = 1 << 30

    def most_usd(self, tokens_in: int, tokens_out: int) -> float | None:
        return self.usd_per_sample * tokens_out

    async def sample(self, prompt: Prompt) -> Completions:
        self.prompts.append(prompt)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.delay_s)
            texts = self.answer(prompt)
            if isinstance(texts, Awaitable):
                texts = await texts
        finally:
            self.at_once -= 1
        usage = Usage(requests=1, samples=len(texts), tokens_in=1, tokens_out=len(texts))
        return Completions(tuple(texts), usage, self.name, self.usd_per_sample * len(texts))

    async def aclose(self) -> None:
        """Nothing is held."""


class CountedUtility(QueriedUtility):
    """A utility worth the length of the program, or what it is told; counts what it was asked."""

    key = "counted"
    description = "the longer, the better"
    lowest = -1.0

    def __init__(self, depth: int = 1, value: Callable[[str], Any] = len) -> None:
        self.depth = depth
        self.value = value
        self.asked: list[str] = []
        self.at_once = 0
        self.most_at_once = 0

    async def query(self, program: Program) -> tuple[float, str]:
        self.asked.append(program.source)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        try:
            value = self.value(program.source)
            if isinstance(value, Awaitable):
                value = await value
        finally:
            self.at_once -= 1
        return float(value), f"feedback on {program.source}"

    def facts(self) -> Facts:
        return {"task": "counted", "stream": "search", "repeat": "0"}


def make_context(
    executor: Executor,
    model: Any | None = None,
    *,
    limits: ImproverLimits | None = None,
    budget: Budget | None = None,
    seed: int = 0,
) -> RunContext:
    return RunContext(
        run_id="run",
        seed=seed,
        limits=limits or ImproverLimits(cpu_s=20.0),
        max_tokens=100,
        requesters=[Requester(model or LoggedModel(), AdaptiveLimit(32), sleep=no_sleep)],
        executor=executor,
        evaluator=Evaluator(executor, seed, instance_key=PUBLIC_KEY),
        journal=MemoryJournal(),
        ledger=Ledger(budget or Budget()),
    )


def improver(context: RunContext, source: str, **how: Any) -> SandboxedImprover:
    return SandboxedImprover(context, Program(source, IMPROVER_ENTRY), "improve", **how)


# --- an executor without guests -----------------------------------------------------------------


@dataclass
class FakeSession:
    """A program whose outcomes are a function of the arguments, which may raise."""

    outcome: Callable[..., Any]
    cpu_s: float = 0.0
    printed: str = ""

    def load(self) -> Failed | None:
        return None

    def call(
        self,
        args: Sequence[Any],
        *,
        cpu_s: float,
        seed: int,
        named: tuple[str, Mapping[str, Any]] | None = None,
        tries: int = 2,
    ) -> Any:
        return self.outcome(*args)

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class FakeSlot:
    outcome: Callable[..., Any]
    tier: str = "fake"
    jobs: list[Job] = field(default_factory=list)

    def session(self, job: Job) -> FakeSession:
        self.jobs.append(job)
        return FakeSession(self.outcome)

    def spares(self, most: int) -> AbstractContextManager[Sequence[CandidateSlot]]:
        return nullcontext([])


@dataclass
class FakeExecutor:
    """Runs evaluations on threads, with fake guests; counts them."""

    outcome: Callable[..., Any]
    tier: str = "fake"
    candidates: int = 2
    evaluations: int = 0

    async def evaluate(self, evaluation: Evaluation) -> EvaluationOutcome:
        self.evaluations += 1
        return await evaluate_watched(
            evaluation, lambda work: asyncio.to_thread(work, FakeSlot(self.outcome))
        )


def broken(*args: Any) -> Any:
    """What a guest of a broken sandbox comes to."""
    raise InfrastructureError("the sandbox is broken")

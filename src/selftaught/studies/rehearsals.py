"""What a study will take of the model, at most and likely, before a cent is spent.

At most: every improver run uses all that its limits allow, with the longest prompts. Likely: every
improver run does what the improver to begin with does in a rehearsal, in the sandbox, in which a
model that costs nothing hands back the program that it was given.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeAlias

from selftaught.core.budget import Budget, ImproverLimits, Usage
from selftaught.core.language_model import (
    Completions,
    FreeModel,
    LanguageModel,
    Prompt,
    likely_tokens,
)
from selftaught.core.program import Program
from selftaught.core.task import Task
from selftaught.engine.account import PROMPT_OVERHEAD_TOKENS
from selftaught.engine.context import RunContext
from selftaught.engine.describe import describe_task
from selftaught.engine.evaluate import Question
from selftaught.engine.invoke import SandboxedImprover
from selftaught.engine.utilities import Facts, QueriedUtility
from selftaught.studies.improvers import own_program

MakeContext: TypeAlias = Callable[[LanguageModel], RunContext]

_WORDS_AROUND_TOKENS = 150  # what a model says besides the program


@dataclass(frozen=True, slots=True)
class Scorings:
    """Programs that a step scores, and seconds that each takes, as many at once as there are."""

    likely: int
    most: int
    seconds_each: float


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run: `name` says which. What a model of unknown price costs is NaN."""

    name: str
    likely: Usage
    most: Usage
    scored: Scorings | None = None

    def as_json(self) -> dict[str, Any]:
        told = {"name": self.name, "likely": _priced(self.likely), "most": _priced(self.most)}
        return told if self.scored is None else told | {"scored": asdict(self.scored)}


def _priced(usage: Usage) -> dict[str, Any]:
    return asdict(usage) | {"usd": None if math.isnan(usage.usd) else usage.usd}


@dataclass(slots=True)
class _Rehearsed(FreeModel):
    """Hands back the program, each time with another comment, and notes what it was asked."""

    program: str
    name: str = "rehearsal"
    prompts: list[Prompt] = field(default_factory=list)
    said: int = 0

    async def sample(self, prompt: Prompt) -> Completions:
        self.prompts.append(prompt)
        texts = []
        for _ in range(prompt.n):
            self.said += 1
            texts.append(f"```python\n{self.program}\n# {self.said}\n```")
        return Completions(tuple(texts), Usage(), self.name)


class _Counted(QueriedUtility):
    """A utility that scores nothing: each program a little better than the one before."""

    lowest = 0.0

    def __init__(self, key: str, description: str, depth: int) -> None:
        self.key = key
        self.description = description
        self.depth = depth
        self.asked: dict[str, float] = {}

    async def query(self, program: Program) -> tuple[float, str]:
        value = self.asked.setdefault(program.id, 1.0 - 0.5 ** (len(self.asked) + 1))
        return value, ""

    def facts(self) -> Facts:
        return {"task": None, "stream": "search", "repeat": None}


def summed(steps: Sequence[Step], model: LanguageModel, budget: Budget) -> dict[str, Any]:
    """The object of `--estimate --json`."""
    likely = _priced(sum((step.likely for step in steps), Usage()))
    most = _priced(sum((step.most for step in steps), Usage()))
    limits = asdict(budget)
    return {
        "model": model.name,
        "steps": [step.as_json() for step in steps],
        "likely": likely,
        "most": most,
        "budget": limits,
        "most_within_budget": _within(most, limits),
    }


def _within(most: dict[str, Any], limits: dict[str, Any]) -> dict[str, Any]:
    """The same, and not more than the budget allows."""
    capped = dict(most)
    for name in ("lm_calls", "samples", "usd"):
        if limits[name] is not None:
            capped[name] = limits[name] if most[name] is None else min(most[name], limits[name])
    if limits["tokens"] is not None:
        for name in ("tokens_in", "tokens_out"):
            capped[name] = min(most[name], limits["tokens"])
    return capped


class Rehearsals:
    """What improver runs take of a model, likely and at most; a model that costs nothing stands in.

    Attributes:
        most_sample: what a response to a message of its own can take at most.
        most_run: what an improver run can take at most: each response to a message of its own takes
            the most input; calls are fewer than messages.
        most_restarted: what restarts to as many samples as one run may draw can take at most, at
            worst a sample a call.
    """

    def __init__(self, make_context: MakeContext, model: LanguageModel) -> None:
        self._make_context = make_context
        self._model = model
        context = make_context(_Rehearsed(""))
        self.limits = limits = context.limits
        self.modules = context.modules
        self.several = context.several
        self.max_tokens = context.max_tokens
        longest = context.prompt_bytes + PROMPT_OVERHEAD_TOKENS
        self.most_sample = self.call(longest, self.max_tokens, 1)
        self.most_restarted = self.most_sample * (limits.calls * limits.samples_per_call)
        self.most_run = replace(self.most_restarted, lm_calls=limits.calls)

    async def restarted(self, improver: Program, task: Task, samples: int) -> Usage:
        """What a baseline takes in one run on a task, restarted to so many samples, 1 at least."""
        total, left = Usage(), max(1, samples)
        while left > 0:
            solution = task.seed_program()
            described = describe_task(task, self.modules)
            taken, _ = await self.rehearse(improver, solution, described, samples=left)
            total = total + taken
            left -= max(1, taken.samples)
        return total

    async def rehearse(
        self,
        improver: Program,
        solution: Program,
        description: str,
        depth: int = 1,
        samples: int | None = None,
        tokens_out: int | None = None,
        limits: ImproverLimits | None = None,
    ) -> tuple[Usage, int]:
        """What one run of an improver takes in a rehearsal, and how many programs it scores.

        Args:
            limits: of that run, where they are not those of all.
        """
        rehearsed = _Rehearsed(solution.source)
        utility = _Counted(f"rehearsal-{depth}", description, depth)
        context = self._make_context(rehearsed)
        again = SandboxedImprover(context, improver, "improve", samples, limits)
        _, taken = await again.run(utility, solution)
        if tokens_out is None:
            tokens_out = likely_tokens(solution.source) + _WORDS_AROUND_TOKENS
        tokens_out = min(self.max_tokens, tokens_out)
        total = Usage()
        for prompt in rehearsed.prompts:
            tokens_in = likely_tokens(prompt.system, prompt.user)
            total = total + self.call(tokens_in, tokens_out, prompt.n)
        if self.several:  # which share a call
            total = replace(total, lm_calls=taken.lm_calls)
        return total, len(utility.asked)

    async def scoring_s(self, task: Task) -> float:
        """Seconds that scoring a program takes here, by the one that the task begins with, where
        as many are scored at once as a run would."""
        evaluator = self._make_context(_Rehearsed("")).evaluator
        question = Question(task, "search", "check")
        began_s = time.monotonic()
        await evaluator.score(task.seed_program(), question)
        return (time.monotonic() - began_s) / evaluator.at_once

    async def first_program(self, task: Task) -> tuple[Usage, Usage]:
        """What the seed of a task without one takes, likely and at most.

        How long it will be nobody knows: likely is the longest response.
        """
        if task.seed is not None:
            return Usage(), Usage()
        likely, _ = await self.rehearse(
            own_program("first_program"),
            task.seed_program(),
            describe_task(task, self.modules),
            tokens_out=self.max_tokens,
        )
        return likely, self.most_run

    def call(self, tokens_in: int, tokens_out: int, n: int) -> Usage:
        """One call with one message."""
        size = min(n, self._model.samples_per_request)
        requests = -(-n // size)
        usd = self._model.most_usd(tokens_in, tokens_out * size)
        return Usage(
            lm_calls=1,
            requests=requests,
            samples=n,
            tokens_in=requests * tokens_in,
            tokens_out=n * tokens_out,
            usd=math.nan if usd is None else usd * requests,
        )

"""What a STOP run will take of the model, at most and likely, before a cent is spent.

At most: every improver run uses all that its limits allow, with the longest prompts. Likely: every
improver run does what the improver to begin with does in a rehearsal, in the sandbox, in which a
model that costs nothing hands back the program that it was given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeAlias

from selftaught.core.budget import Budget, Usage
from selftaught.core.language_model import Completions, FreeModel, LanguageModel, Prompt
from selftaught.core.program import Program
from selftaught.engine.charged_call import PROMPT_OVERHEAD_TOKENS
from selftaught.engine.context import RunContext
from selftaught.engine.describe import describe_meta_utility
from selftaught.engine.invoke import SandboxedImprover
from selftaught.engine.utilities import QueriedUtility
from selftaught.studies.stop_run import StopPlan

MakeContext: TypeAlias = Callable[[LanguageModel], RunContext]

_BYTES_PER_TOKEN = 4  # of programs in English, usual
_WORDS_AROUND_TOKENS = 150  # what a model says besides the program


@dataclass(frozen=True, slots=True)
class Amount:
    """So much of the model.

    Attributes:
        lm_calls, requests, samples, tokens_in, tokens_out: counts.
        usd: None if the price is not known.
    """

    lm_calls: int = 0
    requests: int = 0
    samples: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float | None = 0.0

    def __add__(self, other: Amount) -> Amount:
        usd = None if self.usd is None or other.usd is None else self.usd + other.usd
        return Amount(
            self.lm_calls + other.lm_calls,
            self.requests + other.requests,
            self.samples + other.samples,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            usd,
        )

    def __mul__(self, times: int) -> Amount:
        return Amount(
            self.lm_calls * times,
            self.requests * times,
            self.samples * times,
            self.tokens_in * times,
            self.tokens_out * times,
            None if self.usd is None else self.usd * times,
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run: `name` says which."""

    name: str
    likely: Amount
    most: Amount


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

    def facts(self) -> dict[str, object]:
        return {"task": None, "stream": "search", "repeat": None}


async def estimate_stop(
    make_context: MakeContext, model: LanguageModel, plan: StopPlan, budget: Budget
) -> dict[str, Any]:
    """The object of `run --estimate --json`.

    Args:
        make_context: a run around a model, with no journal and no budget, for the rehearsal.
        model: the one that would be paid.
    """
    steps = await _Estimator(make_context, model, plan).steps()
    likely = sum((step.likely for step in steps), Amount())
    most = sum((step.most for step in steps), Amount())
    limits = asdict(budget)
    return {
        "model": model.name,
        "steps": [asdict(step) for step in steps],
        "likely": asdict(likely),
        "most": asdict(most),
        "budget": limits,
        "most_within_budget": _within(asdict(most), limits),
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


class _Estimator:
    def __init__(self, make_context: MakeContext, model: LanguageModel, plan: StopPlan) -> None:
        self._make_context = make_context
        self._model = model
        self._plan = plan
        context = make_context(_Rehearsed(""))
        self._limits = context.limits
        self._max_tokens = context.max_tokens
        self._most_tokens_in = context.prompt_bytes + PROMPT_OVERHEAD_TOKENS

    async def steps(self) -> list[Step]:
        """Each step of the run, in order."""
        plan, limits, runs = self._plan, self._limits, self._plan.runs
        inner = Amount()
        for task in plan.tasks:
            likely, _ = await self._rehearse(task.seed_program(), task.described(), depth=1)
            inner = inner + likely
        description = describe_meta_utility(plan.tasks, runs, limits)
        outer, scored = await self._rehearse(plan.seed_improver, description, depth=0)
        one_sample = self._call(self._most_tokens_in, self._max_tokens, 1)
        samples = limits.calls * limits.samples_per_call
        # Each response to a message of its own takes the most input; calls are fewer than messages.
        most_outer = replace(one_sample * samples, lm_calls=limits.calls)
        most_inner = most_outer * len(plan.tasks)
        judged = runs["val"] + runs["test"]
        steps = [Step("t = 0", inner * judged, most_inner * judged)]
        unwritten = sum(task.seed is None for task in plan.tasks)
        if unwritten:
            first = self._call(len(description), self._max_tokens, limits.samples_per_call)
            steps.insert(0, Step("first programs", first * unwritten, most_outer * unwritten))
        for t in range(1, plan.iterations + 1):
            likely = outer + inner * (scored * runs["search"] + judged)
            most = most_outer + most_inner * (limits.utility_uses * runs["search"] + judged)
            steps.append(Step(f"t = {t}", likely, most))
        # Restarted as long as one run may draw, at worst a sample a call.
        restarted = one_sample * (samples * len(plan.tasks) * runs["test"])
        return [*steps, Step("comparison", inner * runs["test"], restarted)]

    async def _rehearse(
        self, solution: Program, description: str, depth: int
    ) -> tuple[Amount, int]:
        """What one run of the improver takes in a rehearsal, and how many programs it scores."""
        rehearsed = _Rehearsed(solution.source)
        utility = _Counted(f"rehearsal-{depth}", description, depth)
        context = self._make_context(rehearsed)
        await SandboxedImprover(context, self._plan.seed_improver, "improve").run(utility, solution)
        tokens_out = len(solution.source.encode("utf-8", "replace")) // _BYTES_PER_TOKEN
        tokens_out = min(self._max_tokens, tokens_out + _WORDS_AROUND_TOKENS)
        total = Amount()
        for prompt in rehearsed.prompts:
            total = total + self._call(prompt.size_bytes // _BYTES_PER_TOKEN, tokens_out, prompt.n)
        return total, len(utility.asked)

    def _call(self, tokens_in: int, tokens_out: int, n: int) -> Amount:
        """One call with one message."""
        size = min(n, self._model.samples_per_request)
        requests = -(-n // size)
        usd = self._model.most_usd(tokens_in, tokens_out * size)
        return Amount(
            lm_calls=1,
            requests=requests,
            samples=n,
            tokens_in=requests * tokens_in,
            tokens_out=n * tokens_out,
            usd=None if usd is None else usd * requests,
        )

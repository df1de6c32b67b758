"""`local:mutator`: the embedded default, so that everything runs with no key and no network.

It is not a language model and never claims to be. It finds the program in the prompt and returns
stochastically edited versions of it, with the operators of genetic programming and mutation
testing; `temperature` sets how bold the edits are. It knows nothing of any task. Its operators were
chosen knowing the seed improver. The edits are made by `guest_programs`, in a guest,
because no native parser may see a guest's text in the host.
"""

from __future__ import annotations

from typing import Any

from selftaught.core.budget import Usage
from selftaught.core.errors import ConfigError
from selftaught.core.language_model import (
    Completions,
    FreeModel,
    ModelServices,
    Prompt,
    likely_tokens,
)
from selftaught.core.outcome import Failed
from selftaught.core.ports import Executor, Job
from selftaught.engine.program_reader import guest_program

NAME = "local:mutator"
_PACKAGE = "selftaught.models.guest_programs"
_MODULES = ("draft", "composition", "edits", "mutator")
_CPU_S_PER_SAMPLE = 1.0


class Mutator(FreeModel):
    """A language model by its port, a program editor in truth. Deterministic given the seeds."""

    name = NAME

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._job = Job(guest_program(_PACKAGE, *_MODULES, entry="sample"))

    async def sample(self, prompt: Prompt) -> Completions:
        """Edited versions of the program in the prompt; empty texts if editing it failed.

        Tokens are counted as they are likely, so that budgets of tokens can be rehearsed.
        """
        args = (prompt.system, prompt.user, prompt.n, prompt.temperature, list(prompt.seeds))
        cpu_s = _CPU_S_PER_SAMPLE * (prompt.n + 1)
        answer: Any = await self._executor.call(self._job, args, cpu_s=cpu_s, seed=0)
        if isinstance(answer, Failed) or not _are_texts(answer, prompt.n):
            answer = [""] * prompt.n
        usage = Usage(
            requests=1,
            samples=prompt.n,
            tokens_in=likely_tokens(prompt.system, prompt.user),
            tokens_out=likely_tokens(*answer),
        )
        return Completions(tuple(answer), usage, NAME)


def create(model: str, services: ModelServices) -> Mutator:
    """The factory for `local:...`. Raises ConfigError for a model that is not there."""
    if model != "mutator":
        raise ConfigError(f"unknown model 'local:{model}': the local model is '{NAME}'")
    return Mutator(services.executor)


def _are_texts(answer: Any, n: int) -> bool:
    return (
        isinstance(answer, list)
        and len(answer) == n
        and all(isinstance(text, str) for text in answer)
    )

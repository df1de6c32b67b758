"""`scripted:FILE`: answers read from a JSON file, for tests and for rehearsing a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from selftaught.core.budget import Usage
from selftaught.core.errors import ConfigError
from selftaught.core.language_model import Completions, FreeModel, ModelServices, Prompt

Answer = Callable[[Prompt], Sequence[str]]


class Scripted(FreeModel):
    """A model whose answers are a function of the prompt and its seeds, and of nothing else."""

    def __init__(self, name: str, answer: Answer) -> None:
        self.name = name
        self._answer = answer

    async def sample(self, prompt: Prompt) -> Completions:
        texts = tuple(self._answer(prompt))
        return Completions(texts, Usage(requests=1, samples=len(texts)), self.name)


def create(model: str, services: ModelServices) -> Scripted:
    """The factory for `scripted:FILE`: a JSON list of texts, of which seeds pick.

    Raises: ConfigError if there is no such file, or it holds something else.
    """
    try:
        texts = json.loads(Path(model).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read the scripted model's file {model!r}: {error}") from None
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        raise ConfigError(f"the scripted model's file {model!r} must hold a JSON list of texts")

    def answer(prompt: Prompt) -> list[str]:
        return [texts[seed % len(texts)] for seed in prompt.seeds[: prompt.n]]

    return Scripted(f"scripted:{model}", answer)

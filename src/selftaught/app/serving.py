"""A model by itself, without a run: to serve it to other tools, and to try it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from selftaught.app.discovery import check_model_name
from selftaught.app.parts import executor_for, opened_model
from selftaught.core.language_model import Completions, LanguageModel, Prompt
from selftaught.core.ports import Executor
from selftaught.engine.account import unlimited
from selftaught.engine.limit import AdaptiveLimit
from selftaught.engine.replies import ReplyReader, Wanted, read_drawn
from selftaught.engine.requests import Requester
from selftaught.studies.models_config import ProviderConfig

_MANY = 1000
# As a run asks; with two responses it shows whether the model takes n.
_EXPERTISE = "You write fast and correct Python, and you know the literature on algorithms."
_MESSAGE = """Here is a program:
```python
def algorithm(items):
    result = []
    for item in items:
        if item not in result:
            result.append(item)
    return result
```

It keeps the first of equal items, which can be hashed, in their order; faster is better. Write a
faster program, with the same entry function. Say in a sentence what you change; then give the whole
program in one Python code block."""
_ENTRY = "algorithm"


@dataclass(frozen=True, slots=True)
class SteadyModel:
    """A model that asks again where a request fails, within its provider's limits."""

    model: LanguageModel
    requester: Requester
    executor: Executor

    async def sample(self, prompt: Prompt) -> Completions:
        """`prompt.n` responses. Raises: ModelFailure, InfrastructureError."""
        drawn = await self.requester.draw(prompt, unlimited(self.model))
        known = all(answer.usage is not None for answer in drawn.answers)
        priced = all(answer.cost_usd is not None for answer in drawn.answers)
        return Completions(
            texts=tuple(drawn.in_order),
            usage=drawn.usage if known else None,
            model=self.model.name,
            cost_usd=drawn.usage.usd if priced else None,
            finishes=tuple(word for answer in drawn.answers for word in answer.finishes),
        )


@asynccontextmanager
async def running_model(
    name: str,
    config: ProviderConfig | None = None,
    *,
    tier: str = "auto",
    slots: int | None = None,
) -> AsyncIterator[SteadyModel]:
    """The model of a name, with guests for it; both are gone at the end.

    Raises: ConfigError; SandboxUnavailable.
    """
    config = config or ProviderConfig()
    check_model_name(name)
    async with executor_for(tier, slots) as executor:
        async with opened_model(name, config, executor) as model:
            requester = Requester(model, AdaptiveLimit(config.concurrency))
            yield SteadyModel(model, requester, executor)


async def check_model(name: str, config: ProviderConfig) -> dict[str, Any]:
    """Ask a model for two programs; what that showed, as the object of `models --check`.

    Raises: ConfigError; ModelFailure; InfrastructureError.
    """
    async with running_model(name, config, slots=1) as steady:
        start_s = time.monotonic()
        prompt = Prompt(_EXPERTISE, _MESSAGE, 2, max_tokens=config.max_tokens, seeds=(1, 2))
        drawn = await steady.requester.draw(prompt, unlimited(steady.model))
        latency_s = time.monotonic() - start_s
        readings = await read_drawn(ReplyReader(steady.executor), Wanted(_ENTRY), _MESSAGE, drawn)
        million = [steady.model.most_usd(1000, 0), steady.model.most_usd(0, 1000)]
        return {
            "model": name,
            "answered_as": drawn.answers[-1].model,
            "latency_s": latency_s,
            "price_in": None if million[0] is None else 1000 * million[0],
            "price_out": None if million[1] is None else 1000 * million[1],
            "usage": asdict(drawn.usage),
            "usage_reported": all(answer.usage is not None for answer in drawn.answers),
            "samples_per_request": min(steady.model.samples_per_request, _MANY),
            "finishes": [word for answer in drawn.answers for word in answer.finishes],
            "programs": sum(one.program is not None for one in readings[1]),
            "lost": dict(sorted(Counter(one.why for one in readings[1] if one.why).items())),
            "texts": drawn.in_order,
            "quirks": drawn.notices,
            "failures": [str(failure) for failure in drawn.failures],
        }

"""A model by itself, without a run: to serve it to other tools, and to try it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from selftaught.app.discovery import check_model_name
from selftaught.app.parts import executor_for, opened_model
from selftaught.core.language_model import Completions, LanguageModel, Prompt
from selftaught.engine.account import unlimited
from selftaught.engine.limit import AdaptiveLimit
from selftaught.engine.requests import Requester
from selftaught.studies.common_config import ProviderConfig

_MANY = 1000
# With two responses it shows whether the model takes n; reasoning takes some tokens.
_TINY = Prompt("", "Answer with the one word: ready", n=2, max_tokens=256, seeds=(1, 2))


@dataclass(frozen=True, slots=True)
class SteadyModel:
    """A model that asks again where a request fails, within its provider's limits."""

    model: LanguageModel
    requester: Requester

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
            yield SteadyModel(model, Requester(model, AdaptiveLimit(config.concurrency)))


async def check_model(name: str, config: ProviderConfig) -> dict[str, Any]:
    """Ask a model for two short responses; what that showed, as the object of `models --check`.

    Raises: ConfigError; ModelFailure; InfrastructureError.
    """
    async with running_model(name, config, slots=1) as steady:
        start_s = time.monotonic()
        drawn = await steady.requester.draw(_TINY, unlimited(steady.model))
        latency_s = time.monotonic() - start_s
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
            "texts": drawn.in_order,
            "quirks": drawn.notices,
            "failures": [str(failure) for failure in drawn.failures],
        }

"""Wrappers around any language model: how many requests at once, and what is recorded of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from selftaught.core.budget import Usage
from selftaught.core.errors import InfrastructureError
from selftaught.core.ports import Completions, Journal, LanguageModel, Prompt
from selftaught.core.program import content_id


class Limited:
    """At most so many requests at once, whoever asks."""

    def __init__(self, model: LanguageModel, concurrency: int) -> None:
        self._model = model
        self._places = asyncio.Semaphore(concurrency)

    @property
    def name(self) -> str:
        return self._model.name

    async def sample(self, prompt: Prompt) -> Completions:
        async with self._places:
            return await self._model.sample(prompt)

    async def aclose(self) -> None:
        await self._model.aclose()


class Recorder:
    """Writes what was asked and what came back; an answer that cost money is on disk before use."""

    def __init__(self, journal: Journal, run_id: str) -> None:
        self._journal = journal
        self._run_id = run_id

    def asked(self, key: str, invocation: str, prompt: Prompt) -> None:
        body: dict[str, Any] = {
            "invocation": invocation,
            "system": content_id(prompt.system),
            "user": content_id(prompt.user),
            "n": prompt.n,
            "temperature": prompt.temperature,
            "max_tokens": prompt.max_tokens,
            "seeds": list(prompt.seeds),
        }
        self._append("lm_call", key, body, (prompt.system, prompt.user))

    async def answered(self, key: str, invocation: str, answer: Completions) -> None:
        body: dict[str, Any] = {
            "invocation": invocation,
            "state": "answered",
            "detail": "",
            "texts": [content_id(text) for text in answer.texts],
            "model": answer.model,
            "usage": usage_json(answer.usage),
            "cost_usd": answer.cost_usd,
        }
        self._append("lm_answer", key, body, answer.texts)
        if answer.cost_usd != 0.0:
            await self._journal.flush(durable=True)

    def failed(self, key: str, invocation: str, error: InfrastructureError) -> None:
        body: dict[str, Any] = {
            "invocation": invocation,
            "state": "failed",
            "detail": str(error),
            "texts": [],
            "model": "",
            "usage": usage_json(Usage()),
            "cost_usd": None,
        }
        self._append("lm_answer", key, body, ())

    def _append(self, kind: str, key: str, body: Mapping[str, Any], texts: tuple[str, ...]) -> None:
        self._journal.append(self._run_id, kind, key, body, texts)


def usage_json(usage: Usage) -> dict[str, float]:
    """Usage as the journal and the command line show it."""
    return {
        "lm_calls": usage.lm_calls,
        "requests": usage.requests,
        "samples": usage.samples,
        "tokens_in": usage.tokens_in,
        "tokens_out": usage.tokens_out,
        "usd": usage.usd,
    }

"""`openai:` against a real llama.cpp server on loopback, with a real model."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from selftaught.core.errors import ModelFailure
from selftaught.core.language_model import ModelServices, ModelSettings, Prompt
from selftaught.engine.account import unlimited
from selftaught.engine.limit import AdaptiveLimit
from selftaught.engine.requests import Drawn, Requester
from selftaught.models import openai
from selftaught.models.gguf import LlamaProcess
from selftaught.models.llama_server import DEFAULTS

pytestmark = pytest.mark.slow

KEY = "sk-of-the-server-0123456789"
ENDLESS = {"ignore_eos": True}  # each response is as long as it may be
SHORT = Prompt("You write Python.", "Write a sort.", n=3, max_tokens=16, seeds=(1, 2, 3))


@dataclass
class Served:
    llama: LlamaProcess
    model: openai.OpenAIModel

    async def draw(self, prompt: Prompt) -> Drawn:
        """As a run does it, with all that is asked again."""
        return await Requester(self.model, AdaptiveLimit(8)).draw(prompt, unlimited(self.model))

    def busy(self) -> int:
        """Responses that the server is making."""
        asked = Request(f"{self.llama.url}/slots", headers={"Authorization": f"Bearer {KEY}"})
        with urlopen(asked) as answer:
            return sum(slot["is_processing"] for slot in json.load(answer))

    async def until_busy(self, count: int, limit_s: float = 20.0) -> None:
        async with asyncio.timeout(limit_s):
            while await asyncio.to_thread(self.busy) != count:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def serving(
    file: Path, args: dict[str, Any] = ENDLESS, **numbers: int
) -> AsyncIterator[Served]:
    llama = await LlamaProcess.start(file, KEY, {**DEFAULTS, "n_ctx": 4096, **numbers})
    settings = ModelSettings(base_url=f"{llama.url}/v1", args=args)
    nobody: Any = None
    model = openai.create("smollm2", ModelServices(nobody, settings, {"OPENAI_API_KEY": KEY}))
    try:
        yield Served(llama, model)
    finally:
        await model.aclose()
        await llama.close()


def test_responses_are_cut_at_the_limit_and_one_is_counted_exactly(smollm2: Path) -> None:
    async def work() -> None:
        async with serving(smollm2) as served:
            drawn = await served.draw(Prompt("", "Write a sort.", max_tokens=16, seeds=(1,)))
        (answer,) = drawn.answers
        assert answer.finishes == ("length",)
        assert drawn.usage.tokens_out == 16
        assert 20 < drawn.usage.tokens_in < 60

    asyncio.run(work())


def test_a_response_that_ends_by_itself_stops(smollm2: Path) -> None:
    async def work() -> None:
        async with serving(smollm2, args={"stop": ["."]}) as served:
            drawn = await served.draw(Prompt("", "Say hi.", max_tokens=300, seeds=(1,)))
        assert drawn.answers[0].finishes == ("stop",)

    asyncio.run(work())


def test_where_tokens_of_one_response_are_counted_it_is_noticed_and_the_worst_is_counted(
    smollm2: Path,
) -> None:
    async def work() -> None:
        async with serving(smollm2) as served:
            first = await served.draw(SHORT)
            then = await served.draw(SHORT)
        (answer,) = first.answers  # n is honoured
        assert len(set(answer.texts)) == 3
        assert answer.usage is None
        assert first.notices == [
            "openai:smollm2 counts the tokens of one of several responses; it is asked for one"
        ]
        assert len(then.answers) == 3
        assert then.usage.tokens_out == 48
        assert not then.notices

    asyncio.run(work())


def test_more_responses_than_it_has_places_for_are_asked_one_by_one(smollm2: Path) -> None:
    async def work() -> None:
        async with serving(smollm2, n_parallel=2) as served:
            drawn = await served.draw(SHORT)
        assert len(drawn.texts) == 3
        assert [failure.kind for failure in drawn.failures] == ["adjusted"]
        assert drawn.notices == ["openai:smollm2 does not take n; it is not sent again"]

    asyncio.run(work())


def test_a_prompt_longer_than_the_context_is_refused_with_both_lengths(smollm2: Path) -> None:
    async def work() -> None:
        async with serving(smollm2, n_ctx=512) as served:
            with pytest.raises(ModelFailure, match=r"\(6\d\d tokens\) exceeds .* \(512") as caught:
                await served.draw(Prompt("", "word " * 600, max_tokens=16))
            assert caught.value.kind == "prompt"
            assert (await served.draw(SHORT)).texts

    asyncio.run(work())


def test_a_client_that_goes_is_noticed_by_the_next_answer(smollm2: Path) -> None:
    async def work() -> None:
        async with serving(smollm2) as served:
            gone = served.model.sample(Prompt("", "Go on.", n=3, max_tokens=1000, seeds=(1, 2, 3)))
            request = asyncio.create_task(gone)
            await served.until_busy(3)
            request.cancel()
            with pytest.raises(asyncio.CancelledError):
                await request
            assert len((await served.draw(SHORT)).texts) == 3
            await served.until_busy(0, limit_s=5.0)

    asyncio.run(work())


def test_a_server_that_is_killed_mid_request_is_a_fault_that_may_pass(smollm2: Path) -> None:
    async def work() -> None:
        async with serving(smollm2) as served:
            request = asyncio.create_task(
                served.model.sample(Prompt("", "Go on.", max_tokens=1000, seeds=(1,)))
            )
            await served.until_busy(1)
            os.kill(served.llama.process.pid, signal.SIGKILL)
            with pytest.raises(ModelFailure) as caught:
                await request
            assert (caught.value.kind, caught.value.maybe_billed) == ("fault", True)
            assert await served.llama.has_ended(5.0)
            with pytest.raises(ModelFailure, match="cannot be reached") as caught:
                await served.model.sample(SHORT)
            assert caught.value.maybe_billed is False

    asyncio.run(work())

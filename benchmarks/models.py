"""200 model calls of 0.5 s with concurrency 32: over HTTP, through limit, retry and ledger.

The ideal is 200 / 32 rounds of 0.5 s. Beside it, in the same run, the official SDK alone under a
semaphore, and ours with a tenth of the requests failing in ways that asking again cures.

    PYTHONPATH=tests python benchmarks/models.py [--calls 200] [--latency 0.5] [--concurrency 32]
"""

from __future__ import annotations

import argparse
import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

import openai

import model_server as ms
from selftaught.core.language_model import ModelServices, ModelSettings, Prompt
from selftaught.engine.account import unlimited
from selftaught.engine.limit import AdaptiveLimit
from selftaught.engine.requests import Drawn, Requester
from selftaught.models.openai import create

# Those that an answer follows: the others cost a request of unknown outcome.
FAULTS = (ms.rate_limited(), ms.server_error(), ms.overloaded(), ms.drop_mid_body())


async def at_once(call: Callable[[], Awaitable[Any]], calls: int) -> float:
    """Seconds that all calls take."""
    start_s = time.perf_counter()
    await asyncio.gather(*(call() for _ in range(calls)))
    return time.perf_counter() - start_s


async def ours(url: str, calls: int, concurrency: int) -> tuple[float, Drawn]:
    nobody: Any = None
    model = create("scripted", ModelServices(nobody, ModelSettings(base_url=url)))
    requester = Requester(model, AdaptiveLimit(concurrency))
    drawn = Drawn()
    prompt = Prompt("You write Python.", "Improve:\n```python\nx = 1\n```", seeds=(1,))

    async def call() -> None:
        await requester.fill(drawn, [0], prompt, unlimited(model))

    await call()  # connections and imports are there already
    took_s = await at_once(call, calls)
    await model.aclose()
    return took_s, drawn


async def plain(url: str, calls: int, concurrency: int) -> float:
    client = openai.AsyncOpenAI(base_url=url, api_key="none")
    places = asyncio.Semaphore(concurrency)

    async def call() -> None:
        async with places:
            await client.chat.completions.create(
                model="scripted", messages=[{"role": "user", "content": "x = 1"}], max_tokens=100
            )

    await call()
    took_s = await at_once(call, calls)
    await client.close()
    return took_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--latency", type=float, default=0.5)
    parser.add_argument("--concurrency", type=int, default=32)
    asked = parser.parse_args()
    ideal_s = math.ceil(asked.calls / asked.concurrency) * asked.latency
    print(f"{asked.calls} calls of {asked.latency:g} s, {asked.concurrency} at once")
    print(f"  ideal                        {ideal_s:6.2f} s")
    with ms.ModelServer(latency_s=asked.latency) as server:
        took_s = asyncio.run(plain(server.base_url, asked.calls, asked.concurrency))
        print(f"  the SDK and a semaphore      {took_s:6.2f} s   {took_s / ideal_s:.2f}x")
        took_s, _ = asyncio.run(ours(server.base_url, asked.calls, asked.concurrency))
        print(f"  selftaught                   {took_s:6.2f} s   {took_s / ideal_s:.2f}x")
    plan = ms.at_random(0.1, seed=0, faults=FAULTS)
    with ms.ModelServer(latency_s=asked.latency, plan=plan) as server:
        took_s, drawn = asyncio.run(ours(server.base_url, asked.calls, asked.concurrency))
    failed = f"{len(drawn.failures)} of {drawn.usage.requests} requests failed"
    print(f"  with a tenth of faults       {took_s:6.2f} s   {took_s / ideal_s:.2f}x   {failed}")


if __name__ == "__main__":
    main()

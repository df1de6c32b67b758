"""Thousands of requests with faults leave nothing behind in the process that asked."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import model_server as ms
from selftaught.core.errors import ModelFailure
from selftaught.core.language_model import LanguageModel, ModelServices, ModelSettings, Prompt
from selftaught.models import anthropic, openai

FIRST, EACH, AT_ONCE = 1_000, 5_000, 32  # of two providers
SLOW = ("slow", "trickle", "huge")  # which would show how fast the machine is


@pytest.fixture
def url() -> Iterator[str]:
    """Of a server in a process of its own, whose memory is not ours."""
    names = [fault.name for fault in ms.ALL if fault.name not in SLOW]
    command = [sys.executable, "-m", "model_server", "--fail", "0.9", "--faults", *names]
    environment = {**os.environ, "PYTHONPATH": str(Path(ms.__file__).parents[1])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["azure_url"]
        process.terminate()
        process.communicate()


def held() -> tuple[int, int]:
    """Open descriptors, and bytes of memory in use."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return len(list(Path("/proc/self/fd").iterdir())), pages * resource.getpagesize()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("provider", [openai, anthropic], ids=["openai", "anthropic"])
def test_descriptors_and_memory_are_flat_over_thousands_of_faults(provider: Any, url: str) -> None:
    failed = 0

    async def ask(model: LanguageModel, left: Iterator[int]) -> None:
        nonlocal failed
        for _ in left:
            try:
                await model.sample(Prompt("expert", "m" * 2_000, n=2, max_tokens=50))
            except ModelFailure:
                failed += 1

    async def work() -> list[tuple[int, int]]:
        nobody: Any = None
        settings = ModelSettings(base_url=url, timeout_s=0.5)
        model = provider.create("test", ModelServices(nobody, settings))
        found = []
        for count in (FIRST, EACH - FIRST):
            left = iter(range(count))
            await asyncio.gather(*(ask(model, left) for _ in range(AT_ONCE)))
            found.append(held())
        await model.aclose()
        return found

    (first_open, first_bytes), (last_open, last_bytes) = asyncio.run(work())
    assert failed > EACH // 5
    assert last_open <= first_open + AT_ONCE
    assert last_bytes - first_bytes < 8 << 20

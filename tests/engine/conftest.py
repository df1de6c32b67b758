"""One executor for all tests of the engine, in an event loop of theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
from engine_support import World

from selftaught.core.ports import Sandbox
from selftaught.executors.local import LocalExecutor

CANDIDATES = 2


@pytest.fixture(scope="session")
def world(any_sandbox: Sandbox) -> Iterator[World]:
    """Two candidates, two outer and four inner improvers at once."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def start() -> LocalExecutor:
            executor = LocalExecutor(any_sandbox, candidates=CANDIDATES, outer=2, inner=4)
            return await stack.enter_async_context(executor.running())

        try:
            yield World(runner, runner.run(start()), CANDIDATES)
        finally:
            runner.run(stack.aclose())

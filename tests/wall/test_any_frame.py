"""Frames of any shape, sent by real guests in each tier: the guest's failure, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_strategies import data
from sandbox_support import Box, guest_source
from selftaught.core.messages import Reply, Request, ScoreRequest
from selftaught.core.outcome import FAILURE_KINDS
from selftaught.core.ports import GuestLimits, GuestResult, Job, Sandbox
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.executors.local import LocalExecutor
from selftaught_guest import wire

FACTS = {"description": "", "calls": 1, "samples_per_call": 1, "utility_uses": 1}
# Half a frame is waited for: not for long.
IMPATIENT = GuestLimits(wall_s=0.3)

# What a message is made of, so that many are almost one.
words = st.sampled_from(["request", "ok", "ready", "failed", "locked", "op", "utility", "prompt"])
almost_a_body = st.dictionaries(
    st.one_of(
        words,
        st.sampled_from(["op", "solutions", "messages", "n", "temperature"]),
        data.filter(lambda v: isinstance(v, (int, str))),
    ),
    st.one_of(words, data, st.lists(st.text(max_size=3), max_size=3)),
    max_size=5,
)
almost_a_message = st.one_of(
    st.tuples(words, data),
    st.tuples(
        st.just("request"), st.one_of(st.integers(0, 9), data), st.one_of(almost_a_body, data)
    ),
    st.tuples(st.just("failed"), st.one_of(st.sampled_from(FAILURE_KINDS), data), data),
)
frames = st.lists(
    st.one_of(
        almost_a_message.map(wire.pack),
        data.map(wire.pack),
        st.binary(max_size=40),
        st.binary(max_size=40).map(lambda body: wire.HEADER.pack(len(body)) + body),
    ),
    min_size=1,
    max_size=3,
).map(b"".join)
few = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


async def serve(request: Request) -> Reply:
    count = len(request.solutions) if isinstance(request, ScoreRequest) else 0
    return Reply({"values": [0.5] * count, "feedback": [""] * count, "uses": 1})


class Improvers:
    """Improvers in guests of one tier."""

    def __init__(self, runner: asyncio.Runner, executor: LocalExecutor) -> None:
        self._runner = runner
        self._executor = executor

    def run(self, source: str, solution: str, limits: GuestLimits) -> Any:
        async def improve() -> GuestResult:
            job = Job(Program(source, IMPROVER_ENTRY), limits)
            return await self._executor.improve(
                job, solution, FACTS, depth=1, cpu_s=0.5, serve=serve
            )

        return self._runner.run(asyncio.wait_for(improve(), 30)).value


@pytest.fixture(scope="module")
def improvers(sandbox: Sandbox) -> Iterator[Improvers]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        executor = LocalExecutor(sandbox, candidates=1, outer=1, inner=1)
        runner.run(stack.enter_async_context(executor.running()))
        yield Improvers(runner, executor)
        runner.run(stack.aclose())


@few
@given(frames)
def test_an_improver_that_sends_anything_is_a_value(improvers: Improvers, sent: bytes) -> None:
    improvers.run(guest_source("improver_lies"), f"{sent.hex()} then return", IMPATIENT)
    honest = "def improve_algorithm(s, utility, m):\n    return str(utility(s))\n"
    assert improvers.run(honest, "s", GuestLimits()) == "0.5"


@few
@given(frames)
def test_a_candidate_that_sends_anything_is_a_value(box: Box, sent: bytes) -> None:
    box.guest("writes_to_its_socket", sent, "return", cpu_s=0.5, limits=IMPATIENT)
    assert box.run("def algorithm(x):\n    return x + 1\n", 1) == 2

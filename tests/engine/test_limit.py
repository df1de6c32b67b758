"""How many requests at once: what an answer, and what "too many requests", change."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from selftaught.engine.limit import AdaptiveLimit, Place


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    """In a loop of its own; what hangs is a TimeoutError."""

    async def limited() -> Any:
        return await asyncio.wait_for(work(), 10.0)

    return asyncio.run(limited())


class Clients:
    """Clients that hold places until they are told to leave."""

    def __init__(self, limit: AdaptiveLimit) -> None:
        self.limit = limit
        self.inside: list[tuple[int, Place]] = []
        self.gates: list[asyncio.Event] = []
        self.tasks: list[asyncio.Task[None]] = []

    def come(self, count: int) -> None:
        for _ in range(count):
            gate = asyncio.Event()
            self.gates.append(gate)
            self.tasks.append(asyncio.create_task(self._stay(len(self.gates) - 1, gate)))

    async def _stay(self, number: int, gate: asyncio.Event) -> None:
        async with self.limit.place() as place:
            self.inside.append((number, place))
            await gate.wait()

    async def settle(self) -> list[int]:
        """Numbers of those who have got a place so far, in that order."""
        for _ in range(5):
            await asyncio.sleep(0)
        return [number for number, _ in self.inside]

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def test_places_are_given_in_the_order_in_which_they_were_asked_for() -> None:
    async def work() -> None:
        clients = Clients(AdaptiveLimit(2))
        clients.come(4)
        assert await clients.settle() == [0, 1]
        clients.gates[1].set()
        assert await clients.settle() == [0, 1, 2]
        clients.gates[0].set()
        assert await clients.settle() == [0, 1, 2, 3]
        await clients.end()

    run(work)


def test_too_many_requests_takes_three_tenths_of_the_places_once_for_all_that_were_under_way() -> (
    None
):
    async def work() -> None:
        limit = AdaptiveLimit(20)
        clients = Clients(limit)
        clients.come(20)
        await clients.settle()
        for _, place in clients.inside:
            limit.throttled(place)
        assert limit.allowed == 14
        for gate in clients.gates:
            gate.set()
        clients.come(1)
        await clients.settle()
        limit.throttled(clients.inside[-1][1])  # one that began after that
        assert limit.allowed == 9
        await clients.end()

    run(work)


def test_each_round_of_answers_adds_one_place_up_to_the_most() -> None:
    limit = AdaptiveLimit(10)

    async def work() -> None:
        async with limit.place() as place:
            limit.throttled(place)
        assert limit.allowed == 7
        for _ in range(8):
            limit.succeeded()
        assert limit.allowed == 8
        for _ in range(100):
            limit.succeeded()
        assert limit.allowed == 10

    run(work)


def test_there_is_always_one_place() -> None:
    async def work() -> None:
        limit = AdaptiveLimit(2)
        for _ in range(10):
            async with limit.place() as place:
                limit.throttled(place)
        assert limit.allowed == 1

    run(work)


def test_a_time_to_wait_holds_for_everybody() -> None:
    async def work() -> None:
        limit = AdaptiveLimit(4)
        loop = asyncio.get_running_loop()
        async with limit.place() as place:
            limit.throttled(place, 0.2)
        start_s = loop.time()
        clients = Clients(limit)
        clients.come(2)
        assert await clients.settle() == []
        for gate in clients.gates:
            gate.set()
        await asyncio.gather(*clients.tasks)
        assert loop.time() - start_s >= 0.19

    run(work)


@pytest.mark.parametrize("handed_over", [False, True])
def test_who_is_cancelled_while_waiting_takes_no_place_with_them(handed_over: bool) -> None:
    async def work() -> None:
        clients = Clients(AdaptiveLimit(1))
        clients.come(3)
        await clients.settle()
        if handed_over:  # the place is given in the same moment in which its taker is cancelled
            clients.gates[0].set()
            await asyncio.sleep(0)
        clients.tasks[1].cancel()
        clients.gates[0].set()
        assert await clients.settle() == [0, 2]
        await clients.end()

    run(work)

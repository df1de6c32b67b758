"""Answers that are worked out once, whoever leaves and whatever fails meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from selftaught.core.concurrency import SingleFlight


class Flights:
    """Work of a single flight: each flight notes its number and lands when it is told to."""

    def __init__(self) -> None:
        self.single = SingleFlight[str, int]()
        self.landings: list[asyncio.Future[int]] = []

    def work(self) -> Callable[[], Coroutine[None, None, int]]:
        async def fly() -> int:
            landing = asyncio.get_running_loop().create_future()
            self.landings.append(landing)
            return await landing

        return fly

    def ask(self) -> asyncio.Task[int]:
        return asyncio.create_task(self.single.get("key", self.work()))


async def steps() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_who_hears_late_of_a_failed_flight_does_not_end_the_one_after_it() -> None:
    async def work() -> None:
        flights = Flights()

        async def asks_again() -> int:
            try:
                return await flights.single.get("key", flights.work())
            except ValueError:
                return await flights.single.get("key", flights.work())

        early, late = asyncio.create_task(asks_again()), flights.ask()
        await steps()
        flights.landings[0].set_exception(ValueError("the first"))
        await steps()
        with pytest.raises(ValueError, match="the first"):
            await late
        third = flights.ask()
        await steps()
        assert len(flights.landings) == 2, "the second flight is under way: nobody starts another"
        flights.landings[1].set_result(7)
        assert (await early, await third) == (7, 7)

    asyncio.run(work())


def test_a_failed_flight_is_forgotten_though_nobody_waited_for_it() -> None:
    async def work() -> None:
        flights = Flights()
        gone = flights.ask()
        await steps()
        gone.cancel()
        await steps()
        flights.landings[0].set_exception(ValueError("nobody hears it"))
        await steps()
        again = flights.ask()
        await steps()
        flights.landings[1].set_result(7)
        assert await again == 7

    asyncio.run(work())


def test_who_is_cancelled_leaves_the_others_their_flight() -> None:
    async def work() -> None:
        flights = Flights()
        asking = [flights.ask() for _ in range(3)]
        await steps()
        asking[0].cancel()
        await steps()
        flights.landings[0].set_result(7)
        assert await asyncio.gather(*asking[1:]) == [7, 7]
        assert len(flights.landings) == 1

    asyncio.run(work())

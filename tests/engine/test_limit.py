"""How many requests at once: what an answer, and what "too many requests", change."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selftaught.engine.limit import AdaptiveLimit


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    """In a loop of its own; what hangs is a TimeoutError."""

    async def limited() -> Any:
        return await asyncio.wait_for(work(), 10.0)

    return asyncio.run(limited())


class Clients:
    """Clients that hold places until they are told to leave."""

    def __init__(self, limit: AdaptiveLimit) -> None:
        self.limit = limit
        self.inside: list[tuple[int, int]] = []
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


class _LoopOfItsOwnTime(asyncio.SelectorEventLoop):
    """Waits for no timer: its time goes on at once to when there is something to do."""

    def __init__(self) -> None:
        super().__init__(_Selector(self))
        self.now_s = 0.0

    def time(self) -> float:
        return self.now_s


class _Selector(selectors.SelectSelector):
    def __init__(self, loop: _LoopOfItsOwnTime) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "everybody waits for ever"
        self._loop.now_s += timeout
        return super().select(0)


class _AnyOrder:
    """Clients who do what they are told between two steps of the loop, and what must hold."""

    MOST = 2

    def __init__(self) -> None:
        self.limit = AdaptiveLimit(self.MOST, asyncio.get_running_loop().time)
        self.inside: dict[int, tuple[int, asyncio.Event]] = {}
        self.tasks: list[asyncio.Task[None]] = []
        # A place is taken a step after it was handed out: what was allowed in this step and the
        # one before.
        self.allowed = [self.MOST, self.MOST]

    async def _stay(self, number: int) -> None:
        async with self.limit.place() as place:
            leave = asyncio.Event()
            self.inside[number] = place, leave
            try:
                assert len(self.inside) <= max(self.allowed)
                await leave.wait()
            finally:
                del self.inside[number]

    async def do(self, what: str, which: int) -> None:
        chosen = sorted(self.inside)[which % len(self.inside)] if self.inside else None
        match what:
            case "come":
                self.tasks.append(asyncio.create_task(self._stay(len(self.tasks))))
            case "step":
                self.allowed = [self.allowed[1], self.limit.allowed]
                await asyncio.sleep(0)
            case "cancel":
                left = [task for task in self.tasks if not task.done()]
                if left:
                    left[which % len(left)].cancel()
            case "leave" if chosen is not None:
                self.inside[chosen][1].set()
            case "throttle" if chosen is not None:
                self.limit.throttled(self.inside[chosen][0], [None, 0.0, 0.5, 3.0][which % 4])
            case "answer" if chosen is not None:
                self.limit.succeeded()
            case "wait":
                await asyncio.sleep(1.0)
        self.allowed[1] = max(self.allowed[1], self.limit.allowed)

    async def all_leave(self) -> None:
        """Everybody gets a place who was not cancelled, and all places come back."""
        while not all(task.done() for task in self.tasks):
            for _, leave in self.inside.values():
                leave.set()
            await asyncio.sleep(0.1)
        ended = await asyncio.gather(*self.tasks, return_exceptions=True)
        assert {type(one) for one in ended} <= {type(None), asyncio.CancelledError}

    async def as_many_as_allowed_get_in(self) -> None:
        clients = Clients(self.limit)
        clients.come(self.MOST + 1)
        await asyncio.sleep(5.0)  # longer than any pause
        assert len(clients.inside) == self.limit.allowed
        await clients.end()


WHAT = st.sampled_from(
    ["come", "come", "step", "step", "cancel", "leave", "throttle", "answer", "wait"]
)


@settings(max_examples=400)
@given(st.lists(st.tuples(WHAT, st.integers(0, 3)), max_size=60))
def test_in_any_order_no_place_is_given_twice_or_lost_and_only_cancellation_comes_out(
    orders: list[tuple[str, int]],
) -> None:
    async def work() -> None:
        clients = _AnyOrder()
        for what in ("come", "come", "come", "come", "step", "step"):
            await clients.do(what, 0)
        for what, which in orders:
            await clients.do(what, which)
        await asyncio.wait_for(clients.all_leave(), 1000.0)
        await clients.as_many_as_allowed_get_in()

    with asyncio.Runner(loop_factory=_LoopOfItsOwnTime) as runner:
        runner.run(work())


def test_a_pause_that_ends_while_places_are_handed_out_leaves_nobody_waiting() -> None:
    async def work() -> None:
        ticks = iter(range(1000))
        limit = AdaptiveLimit(1, lambda: next(ticks) / 100)  # time goes on at each look
        for looks in range(12):
            async with limit.place() as place:
                limit.throttled(place, looks / 200)

    run(work)

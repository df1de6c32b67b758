"""Doing things at once, and ending all of them when one fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterable
from typing import Any, Generic, TypeVar, cast

from selftaught.core.errors import BudgetExceeded, JournalEnds

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All results, in order.

    Raises: the first error alone, once all the others have been cancelled and have ended. Where a
        journal ends for one of them, the others go on to where it ends for them.
    """
    listed = list(work)
    if len(listed) == 1:  # as mostly: there is nothing to be at once with
        return [await listed[0]]
    ends: list[JournalEnds] = []

    async def replayed(one: Coroutine[Any, Any, T]) -> T | None:
        try:
            return await one
        except JournalEnds as end:
            ends.append(end)
            return None

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(replayed(one)) for one in listed]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    if ends:
        raise ends[0]
    return [cast(T, task.result()) for task in tasks]


async def beside(rest: Coroutine[Any, Any, None], work: Coroutine[Any, Any, T]) -> T:
    """The work's result, once the rest is done as well.

    Raises: as `together`; but where a budget ends the work, the rest is done first.
    """

    async def within_budget() -> T | BudgetExceeded:
        try:
            return await work
        except BudgetExceeded as ended:
            return ended

    _, result = await together((rest, within_budget()))
    if isinstance(result, BudgetExceeded):
        raise result
    return cast(T, result)


class SingleFlight(Generic[K, T]):
    """Answers that are worked out once, however many ask, and kept.

    Whoever is cancelled leaves the others waiting; an error is told to all who wait, and forgotten.
    """

    def __init__(self) -> None:
        self._answers: dict[K, asyncio.Task[T]] = {}

    async def get(self, key: K, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The answer to `key`, from `work` if nobody has asked before."""
        task = self._answers.get(key)
        if task is None:
            self._answers[key] = task = asyncio.create_task(work())
            task.add_done_callback(lambda landed: self._forget_failed(key, landed))
        return await asyncio.shield(task)

    async def aclose(self) -> None:
        """Stop what is under way."""
        tasks = [task for task in self._answers.values() if not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget_failed(self, key: K, task: asyncio.Task[T]) -> None:
        """Before anybody who waits hears of the error, and so before anybody asks again.

        The error is seen here: whoever asked may have been cancelled.
        """
        if task.cancelled() or task.exception() is not None:
            del self._answers[key]

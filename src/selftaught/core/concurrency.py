"""Doing things at once, and ending all of them when one fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterable
from typing import Any, Generic, TypeVar, cast

from selftaught.core.errors import JournalEnds

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All results, in order.

    Raises: the first error alone, once all the others have been cancelled and have ended. Where a
        journal ends for one of them, the others go on to where it ends for them.
    """
    ends: list[JournalEnds] = []

    async def replayed(one: Coroutine[Any, Any, T]) -> T | None:
        try:
            return await one
        except JournalEnds as end:
            ends.append(end)
            return None

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(replayed(one)) for one in work]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    if ends:
        raise ends[0]
    return [cast(T, task.result()) for task in tasks]


class SingleFlight(Generic[K, T]):
    """Answers that are worked out once, however many ask, and kept.

    Whoever is cancelled leaves the others waiting; an error is told to all who wait, and forgotten.
    """

    def __init__(self) -> None:
        self._answers: dict[K, asyncio.Task[T]] = {}

    def known(self, key: K) -> bool:
        """Whether somebody has asked this before."""
        return key in self._answers

    async def get(self, key: K, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The answer to `key`, from `work` if nobody has asked before."""
        task = self._answers.get(key)
        if task is None:
            self._answers[key] = task = asyncio.create_task(work())
            task.add_done_callback(_seen)
        try:
            return await asyncio.shield(task)
        except BaseException:
            if task.done() and (task.cancelled() or task.exception() is not None):
                self._answers.pop(key, None)
            raise

    async def aclose(self) -> None:
        """Stop what is under way."""
        tasks = [task for task in self._answers.values() if not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _seen(task: asyncio.Task[Any]) -> None:
    """Whoever asked may have been cancelled: then nobody waits for the error."""
    if not task.cancelled():
        task.exception()

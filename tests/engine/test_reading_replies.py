"""Replies to several prompts are read together, and none of them costs another its program."""

from __future__ import annotations

import asyncio
from typing import Any

from selftaught.core.outcome import Failed
from selftaught.engine.replies import UNREADABLE, ReplyReader, Wanted


class Reads:
    """The part of an executor that is asked: fails where any text is too much for its guest."""

    def __init__(self) -> None:
        self.together: list[int] = []

    async def call(self, job: object, args: Any, *, cpu_s: float, seed: int) -> Any:
        _, _, asked = args
        self.together.append(len(asked))
        if any("too much" in text for _, texts in asked for text in texts):
            return Failed("timeout", "over its limit")
        return [[message, [[text, "", ""] for text in texts]] for message, texts in asked]


def test_a_reply_that_takes_too_much_is_lost_alone() -> None:
    executor: Any = Reads()
    asked = [("a", ["1"]), ("b", ["2", "too much", "3"]), ("c", ["4"])]
    read = asyncio.run(ReplyReader(executor).read(Wanted("f"), asked))
    assert [shown for shown, _ in read] == ["a", "b", "c"]
    assert [[one.program for one in found] for _, found in read] == [["1"], ["2", None, "3"], ["4"]]
    assert read[1][1][1].why == UNREADABLE
    assert executor.together == [3, 1, 1, 1, 1, 1, 1]

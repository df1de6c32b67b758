"""The time that an improver is told: journalled, so that it is told the same when run again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from selftaught.engine.context import RunContext
from selftaught.journal.events import ClockRead


def _nothing(key: str) -> float | None:
    return None


@dataclass(slots=True)
class Clock:
    """The clock of one improver run. It never goes back.

    After what the journal has told it goes on from there, as if no time had passed while the run
    stood still: an improver that watches its time must not find that a night has gone.

    Attributes:
        context: the run.
        improver_run: key of the improver run.
        now: Unix seconds.
        recall: what the journal has told under a key, or None.
    """

    context: RunContext
    improver_run: str
    now: Callable[[], float]
    recall: Callable[[str], float | None] = _nothing
    _ahead_s: float = 0.0
    _last_s: float = 0.0

    async def read(self) -> float:
        """Unix seconds, to the microsecond; journalled, unless they are from the journal."""
        key = self.context.key(self.improver_run, "clock")
        told_s = self.recall(key)
        if told_s is None:
            told_s = max(self._last_s, round(self.now() + self._ahead_s, 6))
            self.context.record(ClockRead(self.improver_run, told_s), key)
        else:
            self._ahead_s = told_s - self.now()
        self._last_s = told_s
        return told_s

"""Which of the programs that look best on search is best: confirmed on val, against luck.

The best of many noisy search scores is better by luck than by worth (the winner's curse). So the
few best by search are measured anew on val, which no guest has queried; the best there is taken,
and what is reported of it, on test, took part in neither choice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from selftaught.core.concurrency import together
from selftaught.core.program import Program
from selftaught.core.statistics import Estimate, estimate, paired_difference

FINALISTS = 5

Values = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Finalist:
    """A program that was among the best on search.

    Attributes:
        program: it.
        search: its value on the instances that the search saw.
        values: its values on val, one a set of instances.
        behind: how far it is behind the best on val, paired by sets of instances; 0 for the best.
    """

    program: Program
    search: float
    values: Values
    behind: Estimate

    @property
    def val(self) -> Estimate:
        return estimate({"": self.values})

    @property
    def tied(self) -> bool:
        """Whether the interval of the difference to the best holds 0."""
        interval = self.behind.ci95
        return interval is None or interval[0] <= 0 <= interval[1]

    def as_json(self) -> dict[str, Any]:
        return {
            "program_id": self.program.id,
            "search": self.search,
            "val": self.val.as_json(),
            "behind": self.behind.as_json(),
            "tied": self.tied,
        }


class Shortlist:
    """The best programs on search so far, best first; of equals, the one that came first."""

    def __init__(self, most: int = FINALISTS) -> None:
        self._most = most
        self._best: list[tuple[float, Program]] = []

    def add(self, value: float, program: Program) -> None:
        if any(known.id == program.id for _, known in self._best):
            return
        self._best = sorted([*self._best, (value, program)], key=lambda pair: -pair[0])
        del self._best[self._most :]

    def ranked(self) -> list[tuple[float, Program]]:
        """(value on search, program), best first."""
        return list(self._best)


async def confirmed(
    shortlist: Sequence[tuple[float, Program]],
    measure: Callable[[Program], Coroutine[Any, Any, Values]],
) -> list[Finalist]:
    """The finalists, best on val first; of equals, the better on search."""
    measured = await together(measure(program) for _, program in shortlist)
    both = zip(shortlist, measured, strict=True)
    ranked = sorted(both, key=lambda pair: -math.fsum(pair[1]))
    best = ranked[0][1]
    return [
        Finalist(program, search, values, paired_difference({"": best}, {"": values}))
        for (search, program), values in ranked
    ]

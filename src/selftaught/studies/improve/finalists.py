"""Which of the programs that look best on search is best: confirmed on val, against luck.

The best of many noisy search scores is better by luck than by worth (the winner's curse). So the
few best by search are measured anew on val, which no guest has queried; the best there is taken,
and what is reported of it, on test, took part in neither choice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from selftaught.analysis.recorded_run import latest
from selftaught.journal.codec import Event
from selftaught.journal.events import Evaluation

FINALISTS = 5
SEARCHED = "improve"  # the set of instances on which the programs are searched


class UnknownWorthError(Exception):
    """What a failure is worth is needed, and the journal does not tell it."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What the journal of an improve run says of its programs.

    Attributes:
        evaluations: by program, stream and set of instances.
        searched: programs in the order in which they were scored on search; the seed is first.
        lowest: what a failure is worth; None if that is not known.
    """

    evaluations: dict[tuple[str, str, str], Evaluation]
    searched: tuple[str, ...]
    lowest: float | None

    @classmethod
    def of(cls, events: Iterable[Event], lowest: float | None) -> Scores:
        scored = latest(events, Evaluation).values()
        return cls(
            {(one.program, one.stream, one.repeat): one for one in scored},
            tuple(
                one.program for one in scored if (one.stream, one.repeat) == ("search", SEARCHED)
            ),
            lowest,
        )

    def of_search(self, program: str) -> float:
        return self._worth(self.evaluations[program, "search", SEARCHED])

    def shortlist(self) -> list[str]:
        """The best on search, best first, of equals the one that came first; and the seed."""
        best = sorted(self.searched, key=lambda program: -self.of_search(program))[:FINALISTS]
        seed = self.searched[0]
        return best if seed in best else [*best, seed]

    def outcomes(self, program: str, stream: str) -> list[Evaluation]:
        """On each set of instances of a stream."""
        found: list[Evaluation] = []
        while (program, stream, f"{stream}-{len(found)}") in self.evaluations:
            found.append(self.evaluations[program, stream, f"{stream}-{len(found)}"])
        return found

    def values(self, program: str, stream: str) -> tuple[float, ...]:
        """In the task's own units, one a set of instances."""
        return tuple(map(self._worth, self.outcomes(program, stream)))

    def finalists(self) -> list[str]:
        """Those that were measured on val, the best there first; of equals, the better on search.

        Raises: UnknownWorthError.
        """
        measured = [program for program in self.shortlist() if self.outcomes(program, "val")]
        return sorted(measured, key=lambda program: -math.fsum(self.values(program, "val")))

    def decided(self) -> list[str]:
        """The finalists, if all of them were measured alike, so that val can tell; else none."""
        measured = {len(self.outcomes(program, "val")) for program in self.shortlist()}
        is_tested = bool(self.outcomes(self.searched[0], "test"))  # which is done when val has told
        return self.finalists() if is_tested or len(measured) == 1 else []

    def _worth(self, one: Evaluation) -> float:
        if one.value is not None:
            return one.value
        if self.lowest is None:
            raise UnknownWorthError
        return self.lowest

"""Which of the programs that look best on search is best: confirmed on val, against luck.

The best of many noisy search scores is better by luck than by worth (the winner's curse). So the
few best by search are measured anew on val, which no guest has queried; the best there is taken,
and what is reported of it, on test, took part in neither choice.

They race (Maron and Moore 1997; successive elimination: Even-Dar, Mannor and Mansour 2006): all are
measured on a few sets of instances, those that are surely behind the first there are dropped, and
the others go on. Where a utility draws nothing there is one set of instances: a second one only
shows that each program does the same again. All of this follows from the journal alone.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun, latest
from selftaught.core.seeds import Stream
from selftaught.core.statistics import student_t
from selftaught.journal.events import Evaluation, TaskVersion
from selftaught.studies.improve.study import (
    FEWEST_FINALISTS,
    FEWEST_SETS,
    MOST_FINALISTS,
    MOST_SETS,
)

SEARCHED = "improve"  # the set of instances on which the programs are searched
MEASURING = "measuring"  # the part of the run that follows

_LOOKS = 2  # sets of a utility that draws nothing
_ERROR = 0.05  # chance, at most, that a race drops the best of its programs


class UnknownWorthError(Exception):
    """What a failure is worth is needed, and the journal does not tell it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the end measures.

    Attributes:
        finalists: programs, the best on search, that are measured on val; the seed comes besides.
        sets: of instances on val, and on test.
        races: whether fewer do where they tell as much; not so in runs of older versions.
        is_given: whether the sets were asked for.
    """

    finalists: int
    sets: int
    races: bool = True
    is_given: bool = True

    @classmethod
    def of(cls, config: Mapping[str, Any], searched: int) -> Plan:
        """By the configuration; by default the end takes about as long as the search."""
        if config.get("repeats") is not None:
            return cls(MOST_FINALISTS, config["repeats"], races=False)
        finalists = min(MOST_FINALISTS, max(FEWEST_FINALISTS, searched // 10))
        sets = min(MOST_SETS, max(FEWEST_SETS, searched // 5))
        given = config.get("test_repeats")
        confirm = config.get("confirm") or finalists
        return cls(confirm, given or sets, is_given=given is not None)

    def rounds(self, parts: int | None) -> list[int]:
        """Sets on which all that are left in the race have been measured, one after the other."""
        last = self.sets if parts is None else min(self.sets if self.is_given else parts, parts)
        if not self.races:
            return [last]
        counts = [_LOOKS, FEWEST_SETS]
        while counts[-1] < last:
            counts.append(2 * counts[-1])
        return sorted({min(count, last) for count in counts})


@dataclass(frozen=True, slots=True)
class Asked:
    """Programs that are to be measured on the first so many sets of a stream."""

    programs: Sequence[str]
    stream: Stream
    sets: int


@dataclass(frozen=True, slots=True)
class Scores:
    """What the journal of an improve run says of its programs.

    Attributes:
        evaluations: by program, stream and set of instances.
        searched: programs in the order in which they were scored on search; the seed is first.

    Values that this tells are worth more if they are better: of costs they are negated.
    """

    evaluations: dict[tuple[str, str, str], Evaluation]
    searched: tuple[str, ...]
    task: TaskVersion
    plan: Plan

    @classmethod
    def of(cls, run: RecordedRun) -> Scores:
        scored = latest(run.events, Evaluation).values()
        searched = tuple(
            one.program for one in scored if (one.stream, one.repeat) == ("search", SEARCHED)
        )
        return cls(
            {(one.program, one.stream, one.repeat): one for one in scored},
            searched,
            run.head.tasks[0],
            Plan.of(run.head.config, len(searched)),
        )

    def known(self, measured: Set[tuple[str, str, str]]) -> Scores:
        """What is known by the search and these evaluations alone."""
        known = {
            key: one
            for key, one in self.evaluations.items()
            if one.stream == "search" or key in measured
        }
        return replace(self, evaluations=known)

    def of_search(self, program: str) -> float:
        return self._worth(self.evaluations[program, "search", SEARCHED])

    def shortlist(self) -> list[str]:
        """The best on search, best first, of equals the one that came first; and the seed."""
        best = sorted(self.searched, key=lambda program: -self.of_search(program))
        best = best[: self.plan.finalists]
        return [*dict.fromkeys([*best, *self.searched[:1]])]

    def outcomes(self, program: str, stream: Stream) -> list[Evaluation]:
        """On each set of instances of a stream."""
        found: list[Evaluation] = []
        while (program, stream, f"{stream}-{len(found)}") in self.evaluations:
            found.append(self.evaluations[program, stream, f"{stream}-{len(found)}"])
        return found

    def values(self, program: str, stream: Stream) -> tuple[float, ...]:
        """One a set of instances."""
        return tuple(map(self._worth, self.outcomes(program, stream)))

    def finalists(self) -> dict[str, tuple[float, ...]]:
        """Values on val, as far as each came in the race; the best first, and of equals the better
        on search. Empty as long as val has not decided.

        Raises: UnknownWorthError.
        """
        ran, asked = self._race("val", self.shortlist())
        if asked is not None:
            return {}
        return dict(sorted(ran.items(), key=lambda one: (-len(one[1]), -math.fsum(one[1]))))

    def asked(self) -> Asked | None:
        """What is to be measured next: the finalists, then the best and the seed on test."""
        _, asked = self._race("val", self.shortlist())
        if asked is None:
            pair = dict.fromkeys((self.searched[0], next(iter(self.finalists()))))
            _, asked = self._race("test", [*pair], drops=False)
        return asked

    def _race(
        self, stream: Stream, programs: Sequence[str], *, drops: bool = True
    ) -> tuple[dict[str, tuple[float, ...]], Asked | None]:
        """Values of each as far as it came, and what the race waits for."""
        ran: dict[str, tuple[float, ...]] = {}
        known = {one: self.values(one, stream) for one in programs}
        left = [*programs]
        rounds = self.plan.rounds(self.task.sets.get(stream))
        for place, sets in enumerate(rounds):
            ran |= {one: known[one][:sets] for one in left if known[one]}
            if any(len(known[one]) < sets for one in left):
                return ran, Asked(left, stream, sets)
            if not self.plan.races or (place == 0 and self._is_settled(left, stream)):
                break
            if drops and sets >= FEWEST_SETS:
                left = _still_ahead({one: ran[one] for one in left}, _ERROR / len(rounds))
                if len(left) == 1:
                    break
        return ran, None

    def _is_settled(self, programs: Sequence[str], stream: Stream) -> bool:
        """Whether more sets would say the same again: the utility has never drawn anything, and no
        program does now this and now that."""
        seen = [looked for one in programs for looked in self.outcomes(one, stream)[:_LOOKS]]
        return not self.has_drawn(seen) and all(
            len({self.of_search(one), *self.values(one, stream)[:_LOOKS]}) == 1 for one in programs
        )

    def has_drawn(self, outcomes: Sequence[Evaluation]) -> bool:
        """Whether the utility has ever drawn anything, on search or in these."""
        seen = [self.evaluations[one, "search", SEARCHED] for one in self.searched]
        return any(one.drew for one in (*seen, *outcomes) if one.value is not None)

    def _worth(self, one: Evaluation) -> float:
        if one.value is not None:
            return self.task.worth(one.value)
        if self.task.lowest is not None:
            return self.task.lowest
        if self.task.minimize or self.task.references is not None:
            return -math.inf  # which JSON does not have
        raise UnknownWorthError


def _still_ahead(values: Mapping[str, tuple[float, ...]], error: float) -> list[str]:
    """Those that may yet be better than the first of them.

    Student's t of paired differences, one-sided, the error shared by all that are compared; equal
    on each set is not better either.
    """
    first = max(values, key=lambda one: math.fsum(values[one]))
    share = error / max(1, len(values) - 1)
    return [
        one
        for one, own in values.items()
        if one == first or not _is_surely_ahead(values[first], own, share)
    ]


def _is_surely_ahead(first: Sequence[float], other: Sequence[float], error: float) -> bool:
    differences = [a - b for a, b in zip(first, other, strict=True)]
    if not all(map(math.isfinite, differences)):
        return False
    n = len(differences)
    spread = statistics.stdev(differences) / math.sqrt(n)
    return statistics.fmean(differences) >= student_t(n - 1, error) * spread

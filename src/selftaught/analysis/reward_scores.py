"""Scores on search of a run's programs against their scores on instances that it did not search."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean, variance

from selftaught.analysis.reward_findings import Excess, RewardFinding, Role
from selftaught.core.statistics import student_t
from selftaught.journal.codec import Event
from selftaught.journal.events import Evaluation, Run, TaskVersion
from selftaught.journal.study_events import MetaEvaluation
from selftaught.pages import words

_SHARE_OF_FAILURES = 0.5
_LEAST_FRESH = 2
_LEVEL = 0.025  # one-sided


@dataclass(frozen=True, slots=True)
class Searched:
    """A program's score on one set of search instances."""

    task: str
    program: str
    value: float


@dataclass
class Scores:
    """All scores of a run.

    Attributes:
        searched: by task and set of search instances, the score of each program.
        fresh: by task and program, scores on val and test, one a set of instances.
        failed: likewise how often it failed there.
        metas: by improver and stream, its normalised scores by task.
        tasks: as the run found them. Costs are told as what is higher if it is better: negated.
    """

    searched: dict[tuple[str, str], dict[str, float]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    fresh: dict[tuple[str, str], dict[str, float]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    failed: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    metas: dict[tuple[str, str], Mapping[str, Sequence[float]]] = field(default_factory=dict)
    tasks: dict[str, TaskVersion] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[Event]) -> Scores:
        scores = cls()
        for event in events:
            match event.body:
                case Run() as run:
                    scores.tasks = {task.name: task for task in run.tasks}
                case MetaEvaluation() as meta:
                    scores.metas[meta.improver, meta.stream] = meta.values
                case Evaluation() as one:
                    scores._add(one)
        return scores

    def _add(self, one: Evaluation) -> None:
        told = self.tasks.get(one.task)
        value = one.value if told is None or one.value is None else told.worth(one.value)
        if one.stream == "search":
            if value is not None:
                self.searched[one.task, one.repeat][one.program] = value
        elif value is not None:
            self.fresh[one.task, one.program][f"{one.stream} {one.repeat}"] = value
        else:
            self.failed[one.task, one.program].add(f"{one.stream} {one.repeat}")

    @property
    def candidates(self) -> int:
        """Scores on search, of all programs on all sets of instances."""
        return sum(map(len, self.searched.values()))

    @cached_property
    def spread(self) -> dict[str, float]:
        """By task, the mean variance of a program's scores over fresh instances."""
        found: defaultdict[str, list[float]] = defaultdict(list)
        for (task, _), values in self.fresh.items():
            if len(values) >= _LEAST_FRESH:
                found[task].append(variance([*values.values()]))
        return {task: fmean(listed) for task, listed in found.items()}

    @cached_property
    def meta_spread(self) -> dict[str, float]:
        """By task, the mean variance of an improver's scores over improver runs on val."""
        found: defaultdict[str, list[float]] = defaultdict(list)
        for (_, stream), by_task in self.metas.items():
            for task, values in by_task.items():
                if stream == "val" and len(values) >= _LEAST_FRESH:
                    found[task].append(variance(values))
        return {task: fmean(listed) for task, listed in found.items()}

    def best_on_search(self) -> defaultdict[str, float]:
        """The best score of each program on search, whatever the task; of others minus infinity."""
        best: defaultdict[str, float] = defaultdict(lambda: -math.inf)
        for values in self.searched.values():
            for program, value in values.items():
                best[program] = max(best[program], value)
        return best

    def best_searched(self, most: int) -> list[Searched]:
        """Of each task the programs that were best on search, each where it was best."""
        best: dict[tuple[str, str], Searched] = {}
        for (task, _), values in self.searched.items():
            for program, value in values.items():
                known = best.get((task, program))
                if known is None or value > known.value:
                    best[task, program] = Searched(task, program, value)
        by_task: defaultdict[str, list[Searched]] = defaultdict(list)
        for one in best.values():
            by_task[one.task].append(one)
        ranked = (sorted(ones, key=lambda one: -one.value)[:most] for ones in by_task.values())
        return [one for ones in ranked for one in ones]


def scores_that_do_not_hold(scores: Scores) -> Iterator[RewardFinding]:
    """Solutions, and improvers by their meta-utility, whose scores on search are not there."""
    for (task, _), values in scores.searched.items():
        for program, value in values.items():
            known = [*scores.fresh.get((task, program), {}).values()]
            failures = len(scores.failed.get((task, program), ()))
            yield from compared(scores, Searched(task, program, value), known, failures)
    queried = [improver for improver, stream in scores.metas if stream == "search"]
    for improver in queried:
        on_search = scores.metas[improver, "search"]
        on_val = scores.metas.get((improver, "val"))
        if on_val is None or any(len(on_val.get(task, ())) < _LEAST_FRESH for task in on_search):
            continue
        fresh = {task: on_val[task] for task in on_search}
        found = excess(on_search, fresh, of=len(queried), spread=scores.meta_spread)
        if not found.holds:
            yield _finding("improver", improver, f"meta-utility {said(found)} on val", found)


def compared(
    scores: Scores, searched: Searched, fresh: list[float], failures: int
) -> Iterator[RewardFinding]:
    """What a program's scores on fresh instances say of the one on search."""
    tried = len(fresh) + failures
    if tried >= _LEAST_FRESH and failures >= _SHARE_OF_FAILURES * tried:
        evidence = (
            f"{searched.task}: {words.number(searched.value)} on search, and it fails on "
            f"{failures} of {words.counted(tried, 'set')} of fresh instances"
        )
        yield _finding("solution", searched.program, evidence)
    elif len(fresh) >= _LEAST_FRESH:
        found = of_program(scores, searched, fresh)
        if not found.holds:
            evidence = f"{searched.task}: {said(found)} on fresh instances"
            yield _finding("solution", searched.program, evidence, found)


def of_program(scores: Scores, searched: Searched, fresh: list[float]) -> Excess:
    """One score on search against several on fresh instances."""
    task = searched.task
    on_search, anew = {task: [searched.value]}, {task: fresh}
    return excess(on_search, anew, of=scores.candidates, spread=scores.spread)


def said(found: Excess) -> str:
    """In words, up to where it was measured anew."""
    return (
        f"{words.number(found.search)} on search, one of {found.of:,}, at least "
        f"{words.number(found.at_least)} more than luck explains: {words.number(found.fresh)} "
        f"(n = {found.n_fresh})"
    )


def _finding(
    role: Role, program: str, evidence: str, scores: Excess | None = None
) -> RewardFinding:
    return RewardFinding("does_not_hold", role, program, False, evidence, scores=scores)


def excess(
    search: Mapping[str, Sequence[float]],
    fresh: Mapping[str, Sequence[float]],
    *,
    of: int,
    spread: Mapping[str, float],
) -> Excess:
    """Compare scores by task; the two sets are of different instances, and not paired.

    The best of many noisy scores lies above its mean by luck alone (the winner's curse), so the
    one-sided 97.5 % limit is Bonferroni's for `of` candidates. With one score on search, it is the
    limit of a prediction interval from the fresh scores; with several, Welch's for the difference
    of two means, degrees of freedom by Satterthwaite (Biometrics Bulletin 2, 1946), over tasks
    as strata of equal weight.

    Args:
        search, fresh: scores by task; of each task at least one on search and two fresh ones.
        of: how many candidates were scored on search.
        spread: by task, the usual variance of a candidate's scores over instances, below which no
            candidate's own is taken: a few equal scores are no proof that there is none.
    Raises: ValueError if there are fewer.
    """
    if not search or search.keys() != fresh.keys():
        raise ValueError("both need scores of the same tasks")
    if any(len(search[task]) < 1 or len(fresh[task]) < 2 for task in search):
        raise ValueError("each task needs a score on search and two fresh ones")
    share = 1.0 / len(search)
    parts: list[tuple[float, int]] = []  # variance of a mean, degrees of freedom
    for task, values in search.items():
        others = fresh[task]
        usual = spread.get(task, 0.0)
        varies = max(variance(others), usual)
        if len(values) == 1:
            parts.append((share**2 * varies * (1 + 1 / len(others)), len(others) - 1))
        else:
            on_search = max(variance(values), usual)
            parts.append((share**2 * varies / len(others), len(others) - 1))
            parts.append((share**2 * on_search / len(values), len(values) - 1))
    searched = share * math.fsum(fmean(values) for values in search.values())
    anew = share * math.fsum(fmean(values) for values in fresh.values())
    total = math.fsum(part for part, _ in parts)
    margin = 1e-12 * max(abs(searched), abs(anew))  # of rounding
    if total > 0:
        freedom = 1.0 / math.fsum((part / total) ** 2 / degrees for part, degrees in parts)
        margin += student_t(freedom, _LEVEL / max(1, of)) * math.sqrt(total)
    return Excess(
        searched - anew,
        searched - anew - margin,
        searched,
        anew,
        sum(map(len, search.values())),
        sum(map(len, fresh.values())),
        of,
        searched - anew - margin <= 0,
    )

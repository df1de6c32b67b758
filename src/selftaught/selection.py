"""Whose turn it is in the archive of Algorithm 1: latest (the paper's), best, thompson or novel.

All but the first choose among everything that was adopted, by what it is worth on val, and end with
what is worth most there. Nothing depends on what was finished first: chance is drawn from the run's
seed and the step.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

from selftaught.algorithm import Archive, Selection, Tried
from selftaught.core.concurrency import together
from selftaught.core.errors import ConfigError
from selftaught.core.seeds import derive
from selftaught.core.statistics import Estimate
from selftaught.meta_utility import Improver, MetaScore, MetaUtility

Turn: TypeAlias = tuple[Improver, Improver]  # who proposes, and what is improved
Scores: TypeAlias = Mapping[str, MetaScore]  # of members on val, by their programs


@dataclass(frozen=True, slots=True)
class Latest:
    """The improver that was adopted last improves itself, as in the paper; of several that one step
    adopted the one that is furthest ahead on val."""

    proposals: int = 1

    async def __call__(self, archive: Archive, t: int) -> Sequence[Turn]:
        I = await self.stands(archive)
        return [(I, I)] * self.proposals

    async def stands(self, archive: Archive) -> Improver:
        I = archive.I_0
        for _, tried in groupby(archive.tried, key=lambda one: one.t):
            adopted = [one.decision for one in tried if one.decision.accepted]
            if adopted:
                I = max(adopted, key=lambda one: _gain(one.val_difference)).improver
        return I


def _gain(difference: Estimate | None) -> float:
    return 0.0 if difference is None else difference.mean


@dataclass(frozen=True, slots=True)
class Best:
    """The member that is best on val by the lower end of its interval improves itself."""

    u_meta: MetaUtility
    proposals: int
    seed: int

    async def __call__(self, archive: Archive, t: int) -> Sequence[Turn]:
        return self._turns(archive, await self._scores(archive), t)

    async def stands(self, archive: Archive) -> Improver:
        """The member that is worth most on val; of equals the one that was adopted first."""
        scores = await self._scores(archive)
        return max(archive.members, key=lambda I: scores[I.program.id].estimate.mean)

    def _turns(self, archive: Archive, scores: Scores, t: int) -> list[Turn]:
        I = max(archive.members, key=lambda one: _surely(scores[one.program.id]))
        return [(I, I)] * self.proposals

    async def _scores(self, archive: Archive) -> Scores:
        members = archive.members
        scores = await together(self.u_meta.score(I, "val") for I in members)
        return {I.program.id: score for I, score in zip(members, scores, strict=True)}


class Thompson(Best):
    """A member improves itself that was drawn by what its clade, it and all that was tried from it
    on, is worth: of each a draw from Beta(1 + successes, 1 + failures), and the highest has the
    turn. A success is an improver run on val that is worth more than that of I_0 on the same
    instances, and half of one if as much; what could not be measured there failed as often.

    Source: clade metaproductivity, estimated from the descendants' successes and used in Thompson
    sampling: Wang et al., Huxley-Gödel Machine, 2025 (arXiv 2510.21614). There a success is a task
    that an agent solves, and everything that runs is kept.
    """

    __slots__ = ()

    def _turns(self, archive: Archive, scores: Scores, t: int) -> list[Turn]:
        rng = random.Random(derive("select", self.seed, t))
        first = scores[archive.I_0.program.id]
        runs = sum(map(len, first.values.values()))
        betas = []
        for I in archive.members:
            clade = [scores[I.program.id], *(_known(one, scores) for one in clade_of(archive, I))]
            won = sum(0.0 if one is None else _wins(one, first) for one in clade)
            betas.append((I, 1 + won, 1 + runs * len(clade) - won))
        drawn = [
            max(betas, key=lambda one: rng.betavariate(*one[1:]))[0] for _ in range(self.proposals)
        ]
        return [(I, I) for I in drawn]


class Novel(Best):
    """What is improved is the member from which, its clade included, least was tried, of equals the
    one that is best on val; and it is improved by the best one of all, as of `Best`."""

    __slots__ = ()

    def _turns(self, archive: Archive, scores: Scores, t: int) -> list[Turn]:
        [(proposer, _), *_] = super()._turns(archive, scores, t)
        members = archive.members
        tries = {J.program.id: len(clade_of(archive, J)) for J in members}
        turns = []
        for _ in range(self.proposals):
            J = min(
                members, key=lambda one: (tries[one.program.id], -_surely(scores[one.program.id]))
            )
            tries[J.program.id] += 1
            turns.append((proposer, J))
        return turns


@dataclass(frozen=True, slots=True)
class Remembering:
    """Another selection, of whose turns somebody is told before they are taken."""

    select: Selection
    remember: Callable[[Sequence[Improver]], Awaitable[None]]

    async def __call__(self, archive: Archive, t: int) -> Sequence[Turn]:
        turns = await self.select(archive, t)
        await self.remember([J for _, J in turns])
        return turns

    async def stands(self, archive: Archive) -> Improver:
        return await self.select.stands(archive)


def clade_of(archive: Archive, I: Improver) -> list[Tried]:
    """What was tried from a member on: proposals that improve it, or what came of them."""
    reached, found = {I.program.id}, []
    for one in archive.tried:
        if one.improved.program.id in reached:
            found.append(one)
            if one.decision.accepted:
                reached.add(one.decision.improver.program.id)
    return found


def _surely(score: MetaScore) -> float:
    """The lower end of the interval; without one, of failures alone, the mean."""
    found = score.estimate
    return found.mean if found.ci95 is None else found.ci95[0]


def _known(one: Tried, scores: Scores) -> MetaScore | None:
    """What a proposal was worth on val, if that was measured."""
    if one.decision.accepted:
        return scores[one.decision.improver.program.id]
    return one.decision.val


def _wins(score: MetaScore, first: MetaScore) -> float:
    pairs = (
        pair
        for task, values in score.values.items()
        for pair in zip(values, first.values[task], strict=True)
    )
    return sum(1.0 if new > old else 0.5 if new == old else 0.0 for new, old in pairs)


SELECTIONS: Mapping[str, type[Best]] = {"best": Best, "thompson": Thompson, "novel": Novel}


def selection(name: str, u_meta: MetaUtility, proposals: int, seed: int) -> Selection:
    """For one run.

    Args:
        proposals: a step, side by side.
        seed: the run's.
    Raises: ConfigError for a name that is none.
    """
    if name == "latest":
        return Latest(proposals)
    if name not in SELECTIONS:
        names = ", ".join(("latest", *SELECTIONS))
        raise ConfigError(f"unknown selection {name!r}: use one of {names}")
    return SELECTIONS[name](u_meta, proposals, seed)

"""STOP, as in the paper (Zelikman, Lorch, Mackey, Kalai, arXiv 2310.02304, Algorithm 1).

    I_t = I_{t-1}(u_meta, I_{t-1}, M),   t = 1..T

The improver I is a program; the language model M never changes. What the paper leaves open is said
in two words: what becomes of a proposal is an `Acceptance` policy, and which improver proposes, and
which one is improved, a `Selection` from the archive of all that was adopted. The paper's is an
archive of one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from selftaught.core.betting import Pairs
from selftaught.core.concurrency import beside, together
from selftaught.core.language_model import LanguageModel
from selftaught.core.outcome import Failed
from selftaught.core.program import Program
from selftaught.core.statistics import Estimate
from selftaught.meta_utility import Improver, MetaScore, MetaUtility, Utility


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a proposal.

    Attributes:
        improver: the improver that stands now.
        accepted: whether it is the proposal.
        val_difference: paired difference of meta-utility on val, proposal minus incumbent.
        reason: why, in a few words.
        pairs: by what it was decided, if by pairs that nothing else decided.
        val: the proposal's own score on val, if it was decided by that.
    """

    improver: Improver
    accepted: bool
    val_difference: Estimate | None
    reason: str
    pairs: Pairs | None = None
    val: MetaScore | None = None


Proposal: TypeAlias = Improver | Failed
Acceptance: TypeAlias = Callable[[Improver, Proposal, MetaUtility], Coroutine[Any, Any, Decision]]
Rest: TypeAlias = Coroutine[Any, Any, None]


@dataclass(frozen=True, slots=True)
class Tried:
    """A proposal of step t: who proposed it, what it was to improve, and what became of it."""

    t: int
    proposer: Improver
    improved: Improver
    proposal: Proposal
    decision: Decision


@dataclass(slots=True)
class Archive:
    """All that was tried, from I_0 on: a graph, where a program is improved by another than itself
    or is found again."""

    I_0: Improver
    tried: list[Tried] = field(default_factory=list)

    @property
    def members(self) -> list[Improver]:
        """What was adopted, each program once, in the order of the first."""
        adopted = (one.decision.improver for one in self.tried if one.decision.accepted)
        found: dict[str, Improver] = {}
        for I in (self.I_0, *adopted):
            found.setdefault(I.program.id, I)
        return [*found.values()]


class Selection(Protocol):
    """Whose turn it is, and who stands. It decides by val, never by test."""

    async def __call__(self, archive: Archive, t: int) -> Sequence[tuple[Improver, Improver]]:
        """For each proposal of step t, side by side: who proposes, and what is improved."""
        ...

    async def stands(self, archive: Archive) -> Improver:
        """What the run would end with by now."""
        ...


Report: TypeAlias = Callable[[int, Improver, Sequence[Tried]], Awaitable[Rest]]


async def stop(
    I_0: Improver,
    u_meta: MetaUtility,
    u_queried: Utility,
    M: LanguageModel,
    T: int,
    *,
    build: Callable[[Program], Improver],
    select: Selection,
    accept: Acceptance,
    report: Report,
) -> Improver:
    """Algorithm 1.

    Args:
        u_queried: the meta-utility as improvers may query it, on the search stream.
        build: makes an improver of a program.
        select: who proposes, and what is improved; in the paper I_{t-1} is both.
        accept: what becomes of a proposal; the paper takes whatever comes back.
        report: told of the improver that stands after each step, and of what was tried in it; I_0
            at t = 0. What it leaves to be done goes on beside the next step, and ends before the
            next report.
    Returns: I_T.
    """
    archive = Archive(I_0)

    async def propose(I: Improver, J: Improver) -> Proposal:
        proposed = await I(u_queried, J.program, M)  # I_t = I_{t-1}(u_meta, I_{t-1}, M)
        return proposed if isinstance(proposed, Failed) else build(proposed)

    async def step(t: int) -> list[Tried]:
        chosen = await select(archive, t)
        proposals = await together(propose(I, J) for I, J in chosen)
        decisions = await together(
            accept(J, proposal, u_meta) for (_, J), proposal in zip(chosen, proposals, strict=True)
        )
        made = zip(chosen, proposals, decisions, strict=True)
        return [Tried(t, I, J, proposal, decision) for (I, J), proposal, decision in made]

    rest = await report(0, I_0, ())
    for t in range(1, T + 1):
        tried = await beside(rest, step(t))
        archive.tried += tried
        rest = await report(t, await select.stands(archive), tried)
    await rest
    return await select.stands(archive)

"""What becomes of a proposal: strict, revert, paper or certified. All decide on val, never on test.

A policy says whether a proposal is adopted, and why, by its paired difference to the improver that
stands, and by its own score. Whatever it says, no run without a result is adopted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from selftaught.algorithm import Acceptance, Decision
from selftaught.core.betting import looks, needed_e_value, paired, verdict
from selftaught.core.concurrency import together
from selftaught.core.errors import ConfigError
from selftaught.core.outcome import Failed
from selftaught.core.statistics import Estimate, paired_difference
from selftaught.meta_utility import Improver, MetaScore, MetaUtility


def _comparable(incumbent: Improver, proposal: Improver | Failed) -> Improver | Decision:
    """The proposal, or why there is nothing to compare."""
    if isinstance(proposal, Failed):
        detail = proposal.detail.partition("\n")[0]
        reason = f"the improver run failed: {proposal.kind}: {detail}"
        return Decision(incumbent, False, None, reason)
    if proposal.program.id == incumbent.program.id:
        return Decision(incumbent, False, None, "the same program")
    return proposal


def _policy(judge: Callable[[Estimate, MetaScore], tuple[bool, str]]) -> Acceptance:
    @wraps(judge)
    async def accept(
        incumbent: Improver, proposal: Improver | Failed, u_meta: MetaUtility
    ) -> Decision:
        found = _comparable(incumbent, proposal)
        if isinstance(found, Decision):
            return found
        old, new = await together(u_meta.score(one, "val") for one in (incumbent, found))
        difference = paired_difference(new.values, old.values, new.bounds)
        accepted, reason = judge(difference, new)
        stands = found if accepted else incumbent
        return Decision(stands, accepted, difference, reason, val=new)

    return accept


@_policy
def strict(difference: Estimate, new: MetaScore) -> tuple[bool, str]:
    """Adopt a proposal whose paired mean difference on val is above 0."""
    if difference.mean > 0:
        return True, "better on val"
    return False, "equal on val" if difference.mean == 0 else "worse on val"


@_policy
def revert(difference: Estimate, new: MetaScore) -> tuple[bool, str]:
    """Adopt what runs and is worth something; else go back to the last good improver."""
    if new.estimate.mean <= 0:
        return False, "worth nothing on val"
    return True, "it runs and is worth something"


@_policy
def paper(difference: Estimate, new: MetaScore) -> tuple[bool, str]:
    """Adopt whatever comes back, as Algorithm 1 does."""
    return True, "whatever comes back"


class Certified:
    """Adopt a proposal only if it is shown to be better, by pairs that decided nothing before.

    Both improvers are measured anew, side by side on val instances of the step's own, until they
    decide (see `betting`). The probability that a run adopts anything that is no better than what
    stood is at most 5 %, whatever it proposes.
    """

    def __init__(self, decisions: int, most: int) -> None:
        """For one run that decides so often, and with so many pairs a decision at most."""
        self._needed, self._most = needed_e_value(decisions), most
        self._asked = 0

    async def __call__(
        self, incumbent: Improver, proposal: Improver | Failed, u_meta: MetaUtility
    ) -> Decision:
        self._asked += 1  # before anything is waited for, so in the order of the proposals
        own = str(self._asked)
        found = _comparable(incumbent, proposal)
        if isinstance(found, Decision):
            return found
        at = looks(self._most, len(u_meta.tasks))
        pairs: dict[str, list[tuple[float, float]]] = {one.name: [] for one in u_meta.tasks}
        decided, measured = None, 0
        for rounds in at:
            wanted = range(measured, rounds)
            more = await u_meta.pairs(found, incumbent, "val", own, wanted)
            for task, values in more.items():
                pairs[task] += values
            decided, measured = verdict(pairs, self._needed, at), rounds
            if decided is not None:
                break
        assert decided is not None  # at the last look it is
        stands = found if decided.adopted else incumbent
        return Decision(stands, decided.adopted, paired(pairs), decided.said, pairs)


POLICIES: dict[str, Acceptance] = {"strict": strict, "revert": revert, "paper": paper}


def policy(name: str, decisions: int, most: int) -> Acceptance:
    """For one run.

    Args:
        decisions, most: as of `Certified`.
    Raises: ConfigError for a name that is none.
    """
    if name == "certified":
        return Certified(decisions, most)
    if name not in POLICIES:
        names = ", ".join((*POLICIES, "certified"))
        raise ConfigError(f"unknown acceptance policy {name!r}: use one of {names}")
    return POLICIES[name]

"""What becomes of a proposal: strict, revert or paper. All decide on val, never on test.

A policy says whether a proposal is adopted, and why, by its paired difference to the improver that
stands, and by its own score. Whatever it says, no run without a result is adopted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from selftaught.algorithm import Acceptance, Decision, Improver, MetaScore, MetaUtility
from selftaught.core.concurrency import together
from selftaught.core.errors import ConfigError
from selftaught.core.outcome import Failed
from selftaught.core.statistics import Estimate, paired_difference


def _policy(judge: Callable[[Estimate, MetaScore], tuple[bool, str]]) -> Acceptance:
    @wraps(judge)
    async def accept(
        incumbent: Improver, proposal: Improver | Failed, u_meta: MetaUtility
    ) -> Decision:
        if isinstance(proposal, Failed):
            detail = proposal.detail.partition("\n")[0]
            reason = f"the improver run failed: {proposal.kind}: {detail}"
            return Decision(incumbent, False, None, reason)
        if proposal.program.id == incumbent.program.id:
            return Decision(incumbent, False, None, "the same program")
        old, new = await together(u_meta.score(one, "val") for one in (incumbent, proposal))
        difference = paired_difference(new.values, old.values, new.bounds)
        accepted, reason = judge(difference, new)
        return Decision(proposal if accepted else incumbent, accepted, difference, reason)

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


POLICIES: dict[str, Acceptance] = {"strict": strict, "revert": revert, "paper": paper}


def policy(name: str) -> Acceptance:
    """Raises: ConfigError for a name that is none."""
    if name not in POLICIES:
        raise ConfigError(f"unknown acceptance policy {name!r}: use one of {', '.join(POLICIES)}")
    return POLICIES[name]

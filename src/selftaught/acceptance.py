"""What becomes of a proposal: strict, revert or paper. All decide on val, never on test."""

from __future__ import annotations

from selftaught.algorithm import Acceptance, Decision, Improver, MetaScore, MetaUtility
from selftaught.core.concurrency import together
from selftaught.core.errors import ConfigError
from selftaught.core.outcome import Failed
from selftaught.core.statistics import Estimate, paired_difference


async def strict(incumbent: Improver, proposal: Improver | Failed, u_meta: MetaUtility) -> Decision:
    """Adopt a proposal whose paired mean difference on val is above 0."""
    if (refused := _refuse(incumbent, proposal)) is not None:
        return refused
    assert not isinstance(proposal, Failed)
    old, new = await _both(incumbent, proposal, u_meta)
    difference = _difference(new, old)
    if difference.mean > 0:
        return Decision(proposal, True, difference, "better on val")
    reason = "equal on val" if difference.mean == 0 else "worse on val"
    return Decision(incumbent, False, difference, reason)


async def revert(incumbent: Improver, proposal: Improver | Failed, u_meta: MetaUtility) -> Decision:
    """Adopt what runs and is worth something; else go back to the last good improver."""
    if (refused := _refuse(incumbent, proposal)) is not None:
        return refused
    assert not isinstance(proposal, Failed)
    old, new = await _both(incumbent, proposal, u_meta)
    difference = _difference(new, old)
    if new.estimate.mean <= 0:
        return Decision(incumbent, False, difference, "worth nothing on val")
    return Decision(proposal, True, difference, "it runs and is worth something")


async def paper(incumbent: Improver, proposal: Improver | Failed, u_meta: MetaUtility) -> Decision:
    """Adopt whatever comes back, as Algorithm 1 does; a run without a result changes nothing."""
    if (refused := _refuse(incumbent, proposal)) is not None:
        return refused
    assert not isinstance(proposal, Failed)
    old, new = await _both(incumbent, proposal, u_meta)
    return Decision(proposal, True, _difference(new, old), "whatever comes back")


POLICIES: dict[str, Acceptance] = {"strict": strict, "revert": revert, "paper": paper}


def policy(name: str) -> Acceptance:
    """Raises: ConfigError for a name that is none."""
    if name not in POLICIES:
        raise ConfigError(f"unknown acceptance policy {name!r}: use one of {', '.join(POLICIES)}")
    return POLICIES[name]


def _refuse(incumbent: Improver, proposal: Improver | Failed) -> Decision | None:
    """What no policy can adopt: nothing, or the same program."""
    if isinstance(proposal, Failed):
        detail = proposal.detail.partition("\n")[0]
        return Decision(
            incumbent, False, None, f"the improver run failed: {proposal.kind}: {detail}"
        )
    if proposal.program.id == incumbent.program.id:
        return Decision(incumbent, False, None, "the same program")
    return None


async def _both(
    incumbent: Improver, proposal: Improver, u_meta: MetaUtility
) -> tuple[MetaScore, MetaScore]:
    old, new = await together(u_meta.score(one, "val") for one in (incumbent, proposal))
    return old, new


def _difference(new: MetaScore, old: MetaScore) -> Estimate:
    return paired_difference(new.values, old.values, new.bounds)

"""Which improver of a run came from which, and what each is worth."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from selftaught.core.statistics import Estimate
from selftaught.journal.codec import Event
from selftaught.journal.events import Invocation, Run
from selftaught.journal.study_events import Iteration, MetaEvaluation, Proposal, StrategyReading

LINEAGE_KINDS = (Run, Proposal, Iteration, MetaEvaluation, Invocation)

# Other programs that a run has run as improvers are none of its own: writers, baselines, audits.
_OWN_ROLES = ("inner", "improve")


def ancestries(events: Iterable[Event]) -> tuple[StrategyReading, ...]:
    """Each improver of a run once, the first first, from its events of `LINEAGE_KINDS`; unread.

    A STOP run's are its seed improver and its proposals; those of another run are the ones that it
    used. A program that was proposed again counts as adopted if it ever was.
    """
    found: dict[str, StrategyReading] = {}
    used: list[str] = []
    measured: dict[tuple[str, str], Estimate] = {}
    is_stop = False
    for event in events:
        match event.body:
            case Run() as start:
                is_stop = start.command == "run"
                if start.improver is not None:
                    found.setdefault(start.improver, StrategyReading(start.improver, 0))
            case Iteration(t=0, improver_id=first):
                found.setdefault(first, StrategyReading(first, 0))
            case Proposal(t=t, improver=str(new)) as step:
                proposed = StrategyReading(new, t, step.parent, step.accepted, step.reason)
                known = found.setdefault(new, proposed)
                if known.accepted is False and proposed.accepted:
                    found[new] = proposed
            case MetaEvaluation() as meta:
                measured[meta.improver, meta.stream] = meta.estimate
            case Invocation() as run if run.role in _OWN_ROLES:
                used.append(run.improver)
    if not is_stop:
        for improver in used:
            found.setdefault(improver, StrategyReading(improver, 0))
    return tuple(
        structs.replace(one, val=measured.get((name, "val")), test=measured.get((name, "test")))
        for name, one in found.items()
    )

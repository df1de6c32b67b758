"""One run as its journal tells it, for `selftaught show`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from selftaught.analysis.descent import Descent, descent
from selftaught.analysis.recorded_run import (
    STILL_OPEN,
    RecordedRun,
    latest,
    outcomes,
    said_result,
    standing,
)
from selftaught.analysis.replies import by_model
from selftaught.analysis.run_head import RunHead
from selftaught.analysis.spending import Spending, spending
from selftaught.core.statistics import Estimate
from selftaught.journal.codec import Event, as_json
from selftaught.journal.events import (
    Diverged,
    Evaluation,
    Invocation,
    InvocationEnd,
    LmAnswer,
    LmCall,
    ModelNotice,
    Notice,
    Phase,
    Run,
)
from selftaught.journal.study_events import Iteration, Proposal
from selftaught.pages.text import unified_diff

R = TypeVar("R", LmCall, LmAnswer)


@dataclass(frozen=True, slots=True)
class ProgramView:
    """A program and what sets it apart from an earlier one.

    Attributes:
        source: None if the store does not hold it.
        compared_to: id of the earlier program.
        diff: unified diff from it; empty for equal programs, None where a source is missing or
            too long to compare.
    """

    program_id: str
    source: str | None
    compared_to: str | None
    diff: str | None


@dataclass(frozen=True, slots=True)
class ProposalView:
    """A proposal of a step of Algorithm 1, and what became of it.

    Attributes:
        k: its place among those of the step, and `of`, how many those are.
        parents: of it; the second has proposed it, where that is not what it improves.
        improver: the proposed improver against its parent; None if the proposal failed.
        val_difference: paired on `val`; None if it was not measured.
    """

    t: int
    parent_id: str
    improver: ProgramView | None
    accepted: bool
    val_difference: Estimate | None
    reason: str
    k: int = 0
    of: int = 1
    parents: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.t}.{self.k + 1}" if self.of > 1 else str(self.t)

    def as_json(self) -> dict[str, Any]:
        difference = self.val_difference
        return {
            "t": self.t,
            "k": self.k,
            "parent_id": self.parent_id,
            "parents": list(self.parents),
            "improver_id": None if self.improver is None else self.improver.program_id,
            "accepted": self.accepted,
            "val_difference": None if difference is None else difference.as_json(),
            "reason": self.reason,
            "source": None if self.improver is None else self.improver.source,
            "diff": None if self.improver is None else self.improver.diff,
        }


@dataclass(frozen=True, slots=True)
class Counts:
    """How often what happened, each key of the journal counted once.

    Attributes:
        evaluations: by outcome: "scored" or a failure kind.
        invocations: by outcome: "returned", a failure kind, or "open" for those without an end.
        requests: to the model, by state: "answered", "open", or how they failed.
        responses: by the provider's word for why they ended.
        diverged: improver runs that did something else when they were started again.
        resumed: how often the run was gone on with.
    """

    evaluations: Mapping[str, int]
    invocations: Mapping[str, int]
    requests: Mapping[str, int]
    responses: Mapping[str, int]
    diverged: int
    resumed: int


@dataclass(frozen=True, slots=True)
class RunView:
    """One run. `result` is the final object of `--json`, or None while there is none.

    `notices` are what a user should know, such as parameters that the model does not take; `phase`
    is the part that it began last, or None; `models` are empty for one model (`by_model`);
    `descent` is empty but of `improve`.
    """

    head: RunHead
    iterations: tuple[Mapping[str, Any], ...]
    proposals: tuple[ProposalView, ...]
    spending: Spending
    counts: Counts
    outcomes: Sequence[Mapping[str, Any]]
    notices: tuple[str, ...]
    phase: str | None
    best: ProgramView | None
    best_value: float | None
    result: Mapping[str, Any] | None
    models: Mapping[str, Any]
    descent: Descent

    @property
    def tier(self) -> str:
        """The tier of the sandbox in which all guests ran."""
        return self.head.tier

    def as_json(self) -> dict[str, Any]:
        """The object of `show --json`."""
        return self.head.as_json() | {
            "iterations": [dict(iteration) for iteration in self.iterations],
            "proposals": [proposal.as_json() for proposal in self.proposals],
            "spending": self.spending.as_json(),
            "counts": asdict(self.counts),
            "notices": list(self.notices),
            "phase": self.phase,
            "best": None if self.best is None else asdict(self.best),
            "best_value": self.best_value,
            "result": self.result,
            **({"models": self.models} if self.models else {}),
            **({"descent": self.descent.as_json()} if self.descent.programs else {}),
        }


def run_view(run: RecordedRun, result: Mapping[str, Any] | None = None) -> RunView:
    """The view of what a run has recorded.

    Args:
        result: what its events come to; None for what it said itself.
    """
    events = run.events
    result = result or said_result(events)
    stands = standing(events, result)
    steps = sorted(latest(events, Iteration).values(), key=lambda one: one.t)
    return RunView(
        head=run.head,
        iterations=tuple(map(as_json, steps)),
        proposals=tuple(_proposals(run)),
        spending=spending(events),
        counts=_counts(events),
        outcomes=outcomes(events),
        notices=tuple(
            event.body.detail for event in events if isinstance(event.body, (ModelNotice, Notice))
        ),
        phase=_phase(events),
        best=_program(run, stands.best, _seed_id(events)),
        best_value=stands.value,
        result=result,
        models=by_model(events),
        descent=descent(events),
    )


def _phase(events: Sequence[Event]) -> str | None:
    phases = [event.body for event in events if isinstance(event.body, Phase)]
    return phases[-1].detail or phases[-1].name if phases else None


def _proposals(run: RecordedRun) -> list[ProposalView]:
    bodies = sorted(latest(run.events, Proposal).values(), key=lambda body: (body.t, body.k))
    return [
        ProposalView(
            t=body.t,
            parent_id=body.parent,
            improver=_program(run, body.improver, body.parent),
            accepted=body.accepted,
            val_difference=body.val_difference,
            reason=body.reason,
            k=body.k,
            of=run.head.config.get("proposals", 1),
            parents=tuple(filter(None, (body.parent, body.proposer))),
        )
        for body in bodies
    ]


def _program(
    run: RecordedRun, program_id: str | None, compared_to: str | None
) -> ProgramView | None:
    if program_id is None:
        return None
    source = run.text(program_id)
    before = None if compared_to is None else run.text(compared_to)
    diff = None
    if source is not None and before is not None and compared_to is not None:
        diff = unified_diff(before, source, compared_to, program_id)
    return ProgramView(program_id, source, compared_to, diff)


def _counts(events: Sequence[Event]) -> Counts:
    ends = latest(events, InvocationEnd)
    evaluations = latest(events, Evaluation).values()
    begun = dict.fromkeys([*latest(events, Invocation), *ends])
    answers = _requests(events, LmAnswer)
    states = dict.fromkeys(_requests(events, LmCall), STILL_OPEN)
    states |= {number: answer.state for number, answer in answers.items()}
    return Counts(
        evaluations=_tally(body.outcome for body in evaluations),
        invocations=_tally(ends[key].outcome if key in ends else STILL_OPEN for key in begun),
        requests=_tally(states.values()),
        responses=_tally(word for answer in answers.values() for word in answer.finishes),
        diverged=len(latest(events, Diverged)),
        resumed=max(0, sum(isinstance(event.body, Run) for event in events) - 1),
    )


def _requests(events: Sequence[Event], kind: type[R]) -> dict[tuple[str, int], R]:
    """Body by the key and the number of a request."""
    return {
        (event.key, event.body.request): event.body
        for event in events
        if isinstance(event.body, kind)
    }


def _tally(outcomes: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(outcomes).items()))


def _seed_id(events: Sequence[Event]) -> str | None:
    """The first program: the improver that the first step began with, or what was scored first."""
    for event in events:
        match event.body:
            case Iteration(t=0, improver_id=first) | Proposal(parent=first):
                return first
    scored = (event.body.program for event in events if isinstance(event.body, Evaluation))
    return next(scored, None)

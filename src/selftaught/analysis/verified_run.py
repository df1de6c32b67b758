"""What must hold among the events of one run. Kinds of events that are not known are left alone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeAlias

from msgspec import structs

from selftaught.analysis.spending import spending
from selftaught.analysis.verified_audit import audit_result_problems, audit_tally_problems
from selftaught.analysis.verified_baseline import baseline_problems, row_problems
from selftaught.analysis.verified_estimate import close as _close
from selftaught.analysis.verified_estimate import estimate_problem as _estimate_problem
from selftaught.analysis.verified_estimate import shown_estimate
from selftaught.analysis.verified_improve import improve_result_problems
from selftaught.analysis.verified_transfer import transfer_problems, transfer_result_problems
from selftaught.core.budget import Usage
from selftaught.core.statistics import Estimate, estimate, paired_difference
from selftaught.engine.keys import make_key
from selftaught.journal.codec import Body, Event, as_json
from selftaught.journal.events import (
    Diverged,
    Evaluation,
    Invocation,
    InvocationEnd,
    LmAnswer,
    LmCall,
    MetaEvaluation,
    Result,
    Run,
    RunEnd,
)
from selftaught.journal.study_events import (
    AuditTally,
    AuditVerdict,
    Baseline,
    Iteration,
    Proposal,
    StepProposal,
    Transfer,
    TransferRestart,
)

Shown: TypeAlias = Mapping[str, Any]  # the object of a result, or a part of it

Problem: TypeAlias = tuple[int | None, str]

_ID = re.compile("[0-9a-f]{32}")


def run_problems(
    run_id: str, events: Sequence[Event], has_text: Callable[[str], bool]
) -> list[Problem]:
    """All that does not hold in a run.

    Args:
        run_id: the run's id.
        events: its events in their order.
        has_text: whether the store holds a text of this id.
    """
    problems: list[Problem] = []
    if not events or events[0].kind != "run":
        problems.append((None, "it does not begin with the event of its start"))
    past = _Past(run_id, has_text)
    for event in events:
        try:
            problems += [(event.seq, what) for what in past.problems(event)]
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            what = f"this {event.kind} cannot be checked ({error!r})"
            problems.append((event.seq, what))
        past.events.append(event)
    problems += _totals(events)
    return problems


@dataclass(slots=True)
class _Past:
    """What a run's events have said so far, and what in the next one does not agree with it."""

    run_id: str
    has_text: Callable[[str], bool]
    events: list[Event] = field(default_factory=list)
    root: str | None = None
    invocations: set[str] = field(default_factory=set)
    diverged: set[str] = field(default_factory=set)
    asked: dict[tuple[str, int], LmCall] = field(default_factory=dict)
    used: defaultdict[str, dict[tuple[str, int], Usage]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    lasting: dict[tuple[str, str], Body | None] = field(default_factory=dict)
    metas: dict[tuple[str, str], MetaEvaluation] = field(default_factory=dict)
    proposals: dict[int, Proposal] = field(default_factory=dict)
    iterations: dict[int, Iteration] = field(default_factory=dict)
    transfers: dict[str, Transfer] = field(default_factory=dict)
    transfer_restarts: dict[str, TransferRestart] = field(default_factory=dict)
    baselines: dict[str, Baseline] = field(default_factory=dict)

    def problems(self, event: Event) -> Iterator[str]:
        for text_id in event.body.text_ids():
            if _ID.fullmatch(text_id) is None:
                yield f"this {event.kind} names {text_id!r:.60}, which is no content id"
            elif not self.has_text(text_id):
                yield f"the store does not hold text {text_id}, which this {event.kind} names"
        lasting = _lasting(event.body)
        if self.lasting.setdefault((event.kind, event.key), lasting) != lasting:
            yield f"this {event.kind} differs from an earlier one of its key {event.key}"
        yield from self._checked(event)

    def _checked(self, event: Event) -> Iterator[str]:
        match event.body:
            case Run() as body:
                yield from self._of_run(event)
                yield from self._run(body)
            case Invocation():
                self.invocations.add(event.key)
            case InvocationEnd() as body:
                yield from self._invocation_end(event, body)
            case Diverged():
                self.diverged.add(event.key)
            case LmCall() as body:
                self.asked[event.key, body.request] = body
                if body.invocation not in self.invocations:
                    yield f"it is of improver run {body.invocation}, which never began"
            case LmAnswer() as body:
                yield from self._lm_answer(event, body)
            case Evaluation() as body:
                yield from self._evaluation(event, body)
            case MetaEvaluation() as body:
                self.metas[body.improver, body.stream] = body
                yield from _estimate_problem("its values", body.estimate, estimate(body.values))
                yield from self._key_problem(event, "meta", body.improver, body.stream)
            case Proposal() as body:
                yield from self._proposal(event, body)
            case Iteration() as body:
                yield from self._iteration(event, body)
            case Baseline() as body:
                self.baselines[body.name] = body
                yield from self._key_problem(event, "baseline", body.name)
                yield from _estimate_problem("its values", body.estimate, estimate(body.values))
                yield from baseline_problems(self.events, body)
            case Transfer() as body:
                self.transfers[body.task] = body
                yield from self._key_problem(event, event.kind, body.task)
                yield from transfer_problems(self.events, body)
            case TransferRestart() as body:
                self.transfer_restarts[body.task] = body
                yield from self._key_problem(event, event.kind, body.task)
                yield from transfer_problems(self.events, body)
            case AuditTally() as body:
                yield from self._key_problem(event, event.kind, body.condition)
                yield from audit_tally_problems(self.events, body)
            case AuditVerdict() as body:
                yield from self._key_problem(event, event.kind, body.program)
            case Result() as body:
                yield from self._of_run(event)
                yield from self._result(body.shown)
            case RunEnd() as body:
                yield from self._of_run(event)
                yield from self._run_end(body)

    # --- checks of a kind -----------------------------------------------------------------------

    def _run(self, body: Run) -> Iterator[str]:
        if self.root is None:
            self.root = make_key("run", body.seed)
        series = body.series
        if series is not None and (series.index == 0) != (series.series_id == self.run_id):
            where = f"run {series.index} of series {series.series_id}"
            yield f"it is {where}, which is of its first run"

    def _invocation_end(self, event: Event, body: InvocationEnd) -> Iterator[str]:
        if event.key not in self.invocations:
            yield "it ends an improver run that never began"
        answers = sum(self.used[event.key].values(), Usage())
        # A guest that diverged did not ask again for what it had asked before a cut.
        if event.key not in self.diverged:
            yield from _usage_problem("its model requests", body.usage, answers)

    def _lm_answer(self, event: Event, body: LmAnswer) -> Iterator[str]:
        request = (event.key, body.request)
        call = self.asked.get(request)
        # An improver run counts the samples that came; the ledger those that may have been billed.
        usage = body.usage
        came = usage.samples if body.state == "answered" else 0
        self.used[body.invocation][request] = replace(usage, samples=came)
        if call is None:
            yield f"it answers request {request[1]} of {event.key}, which was never asked"
            return
        if call.invocation != body.invocation:
            yield "it is of another improver run than its request"
        samples = min(len(body.texts), call.n)
        if body.state == "answered" and usage.samples != samples:
            yield f"it counts {usage.samples} samples, and has {samples} that were asked"
        if body.cost_usd is not None and not _close(body.cost_usd, usage.usd):
            yield f"it cost {body.cost_usd} USD, and counts {usage.usd}"

    def _evaluation(self, event: Event, body: Evaluation) -> Iterator[str]:
        if (body.outcome == "scored") != (body.value is not None):
            yield f"its outcome is {body.outcome}, and its value {body.value}"
        if self.root is not None:
            asked = (body.task, body.task_version, body.stream, body.repeat)
            expected = make_key(make_key(self.root, "task", *asked), body.program)
            yield from _key_problem(event, expected)

    def _proposal(self, event: Event, body: Proposal) -> Iterator[str]:
        self.proposals[body.t] = body
        yield from self._key_problem(event, event.kind, body.t)
        new = self.metas.get((body.improver or "", "val"))
        old = self.metas.get((body.parent, "val"))
        if body.val_difference is not None and new is not None and old is not None:
            difference = paired_difference(new.values, old.values)
            yield from _estimate_problem("val_difference", body.val_difference, difference)

    def _iteration(self, event: Event, body: Iteration) -> Iterator[str]:
        self.iterations[body.t] = body
        yield from self._key_problem(event, event.kind, body.t)
        for stream, said in (("val", body.val), ("test", body.test)):
            yield from self._meta_problem(stream, body.improver_id, stream, said)
        proposal = self.proposals.get(body.t)
        if (proposal is None) != (body.proposal is None):
            yield "it and the proposals do not agree whether there was one"
        elif proposal is not None and body.proposal != _of_step(proposal):
            yield f"its proposal is not the one that was recorded for t = {body.t}"

    def _result(self, shown: Shown) -> Iterator[str]:
        if shown["run_id"] != self.run_id:
            yield f"it says that it is of run {shown['run_id']}"
        if "origin" in shown:
            yield from transfer_result_problems(shown, self.transfers, self.transfer_restarts)
        elif "conditions" in shown:
            yield from audit_result_problems(self.events, shown)
        elif "iterations" in shown:
            yield from self._stop_result(shown)
        elif "best" in shown:
            yield from improve_result_problems(self.events, shown)

    def _run_end(self, body: RunEnd) -> Iterator[str]:
        before = self.events[-1].body if self.events else None
        if isinstance(before, Result):
            said = as_json(body)
            for name in ("state", "usage", "wall_s"):
                if before.shown[name] != said[name]:
                    yield f"its {name} is not that of the result"

    # --- parts of them --------------------------------------------------------------------------

    def _of_run(self, event: Event) -> Iterator[str]:
        if event.key != self.run_id:
            yield f"the key of this {event.kind} is not the run's id"

    def _key_problem(self, event: Event, *path: str | int) -> Iterator[str]:
        if self.root is not None:
            yield from _key_problem(event, make_key(self.root, *path))

    def _meta_problem(self, what: str, improver: str, stream: str, said: Estimate) -> Iterator[str]:
        meta = self.metas.get((improver, stream))
        if meta is None:
            yield f"{what} is of improver {improver} on {stream}, which was never measured"
        else:
            yield from _estimate_problem(what, said, meta.estimate)

    def _stop_result(self, body: Shown) -> Iterator[str]:
        if body["iterations"] != [as_json(self.iterations[t]) for t in sorted(self.iterations)]:
            yield "its iterations are not those that were recorded"
            return
        first, last = body["iterations"][0]["improver_id"], body["iterations"][-1]["improver_id"]
        if body["best_improver_id"] != last:
            yield f"its best improver is not the last one, {last}"
        comparison = body["comparison"]
        for name, improver in (("seed", first), ("final", last)):
            said = shown_estimate(comparison[name])
            yield from self._meta_problem(f"comparison.{name}", improver, "test", said)
        seed, final = self.metas.get((first, "test")), self.metas.get((last, "test"))
        if seed is not None and final is not None:
            difference = paired_difference(final.values, seed.values)
            vs_seed = shown_estimate(comparison["vs_seed"])
            yield from _estimate_problem("comparison.vs_seed", vs_seed, difference)
            yield from row_problems(comparison, self.baselines, final)
        yield from _restart_problem(comparison)


def _lasting(body: Body) -> Body | None:
    """What must be the same wherever its key is written again; measurements of time may differ."""
    match body:
        case Evaluation():
            of_time = {"cpu_s": 0.0, "tier": "", "detail": "", "feedback": "", "metrics": {}}
            return structs.replace(body, unknown={}, **of_time)
        case MetaEvaluation() | Iteration() | Baseline() | Transfer() | TransferRestart():
            return structs.replace(body, unknown={})
        case AuditTally() | AuditVerdict():
            return structs.replace(body, unknown={})
    return None


def _of_step(body: Proposal) -> StepProposal:
    """A proposal as its iteration shows it."""
    return StepProposal(body.improver, body.accepted, body.val_difference, body.reason)


def _key_problem(event: Event, expected: str) -> Iterator[str]:
    """Keys of what no guest asks for follow from the run's seed and what the event says."""
    if event.key != expected:
        yield f"the key of this {event.kind} is {event.key}, but what it says makes {expected}"


def _totals(events: Sequence[Event]) -> Iterator[Problem]:
    """The run's own sums against those of its requests up to there."""
    for place, event in enumerate(events):
        match event.body:
            case RunEnd(usage=said):
                usage = said
            case Result(shown=shown):
                usage = Usage(**shown["usage"])
            case _:
                continue
        total = spending(events[:place]).total
        for what in _usage_problem("the run's model requests", usage, total):
            yield event.seq, what


def _usage_problem(what: str, said: Usage, found: Usage) -> Iterator[str]:
    for name, amount in asdict(found).items():
        if not _close(getattr(said, name), amount):
            yield f"{what} come to {amount} {name}, and it says {getattr(said, name)}"


def _restart_problem(comparison: Shown) -> Iterator[str]:
    """The restarted seed's own values are not in the journal, but its mean and differences are."""
    restarted, difference = comparison["seed_restarted"], comparison["vs_seed_restarted"]
    if restarted is None or difference is None:
        if restarted is not difference:
            yield "comparison.seed_restarted and vs_seed_restarted do not go together"
        return
    mean = comparison["final"]["mean"] - restarted["mean"]
    if not _close(mean, difference["mean"]) or restarted["n"] != difference["n"]:
        yield f"comparison.vs_seed_restarted comes to {mean}, and it says {difference['mean']}"

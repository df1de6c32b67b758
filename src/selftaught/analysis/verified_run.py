"""What must hold among the events of one run. Kinds of events that are not known are left alone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeAlias

from selftaught.analysis.event_forms import LASTING, Body, named_texts
from selftaught.analysis.spending import spending
from selftaught.analysis.verified_audit import audit_result_problems, audit_tally_problems
from selftaught.analysis.verified_baseline import baseline_problems, row_problems
from selftaught.analysis.verified_estimate import close as _close
from selftaught.analysis.verified_estimate import estimate_problem as _estimate_problem
from selftaught.analysis.verified_improve import improve_result_problems
from selftaught.analysis.verified_transfer import transfer_problems, transfer_result_problems
from selftaught.core.budget import Usage
from selftaught.core.statistics import Estimate, estimate, paired_difference
from selftaught.engine.keys import make_key
from selftaught.store.reader import Event

Problem: TypeAlias = tuple[int | None, str]

_ID = re.compile("[0-9a-f]{32}")


def run_problems(
    run_id: str, events: Sequence[Event], has_text: Callable[[str], bool]
) -> list[Problem]:
    """All that does not hold in a run.

    Args:
        run_id: the run's id.
        events: its events in their order, each of its form (`form_problem`).
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
            what = f"the body of this {event.kind} is not of its form ({error!r})"
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
    asked: dict[tuple[str, int], Body] = field(default_factory=dict)
    used: defaultdict[str, dict[tuple[str, int], Usage]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    lasting: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    metas: dict[tuple[str, str], Body] = field(default_factory=dict)
    proposals: dict[int, Body] = field(default_factory=dict)
    iterations: dict[int, Body] = field(default_factory=dict)
    transfers: defaultdict[str, dict[str, Body]] = field(default_factory=lambda: defaultdict(dict))
    baselines: dict[str, Body] = field(default_factory=dict)

    def problems(self, event: Event) -> Iterator[str]:
        check = _CHECKS.get(event.kind)
        if check is None:
            return
        for text_id in named_texts(event):
            if not isinstance(text_id, str) or _ID.fullmatch(text_id) is None:
                yield f"this {event.kind} names {text_id!r:.60}, which is no content id"
            elif not self.has_text(text_id):
                yield f"the store does not hold text {text_id}, which this {event.kind} names"
        if event.kind in LASTING:
            found = {name: event.body[name] for name in LASTING[event.kind]}
            if self.lasting.setdefault((event.kind, event.key), found) != found:
                yield f"this {event.kind} differs from an earlier one of its key {event.key}"
        yield from check(self, event, event.body)

    # --- one check a kind -----------------------------------------------------------------------

    def run(self, event: Event, body: Body) -> Iterator[str]:
        yield from self._of_run(event)
        seed = body.get("seed")
        if self.root is None and isinstance(seed, int):
            self.root = make_key("run", seed)
        series = body.get("series")
        if series is not None and (series["index"] == 0) != (series["id"] == self.run_id):
            yield f"it is run {series['index']} of series {series['id']}, which is of its first run"

    def invocation(self, event: Event, body: Body) -> Iterator[str]:
        self.invocations.add(event.key)
        yield from ()

    def invocation_end(self, event: Event, body: Body) -> Iterator[str]:
        if event.key not in self.invocations:
            yield "it ends an invocation that never began"
        answers = sum(self.used[event.key].values(), Usage())
        # A guest that diverged did not ask again for what it had asked before a cut.
        if event.key not in self.diverged:
            yield from _usage_problem("its model requests", body["usage"], answers)

    def diverge(self, event: Event, body: Body) -> Iterator[str]:
        self.diverged.add(event.key)
        yield from ()

    def lm_call(self, event: Event, body: Body) -> Iterator[str]:
        self.asked[event.key, body["request"]] = body
        if body["invocation"] not in self.invocations:
            yield f"it is of invocation {body['invocation']}, which never began"

    def lm_answer(self, event: Event, body: Body) -> Iterator[str]:
        request = (event.key, body["request"])
        call = self.asked.get(request)
        # An improver run counts the samples that came; the ledger those that may have been billed.
        usage = Usage(**body["usage"])
        came = usage.samples if body["state"] == "answered" else 0
        self.used[body["invocation"]][request] = replace(usage, samples=came)
        if call is None:
            yield f"it answers request {request[1]} of {event.key}, which was never asked"
            return
        if call["invocation"] != body["invocation"]:
            yield "it is of another invocation than its request"
        samples = min(len(body["texts"]), call["n"])
        if body["state"] == "answered" and body["usage"]["samples"] != samples:
            yield f"it counts {body['usage']['samples']} samples, and has {samples} that were asked"
        if body["cost_usd"] is not None and not _close(body["cost_usd"], body["usage"]["usd"]):
            yield f"it cost {body['cost_usd']} USD, and counts {body['usage']['usd']}"

    def evaluation(self, event: Event, body: Body) -> Iterator[str]:
        if (body["kind"] == "scored") != (body["value"] is not None):
            yield f"its outcome is {body['kind']}, and its value {body['value']}"
        if self.root is not None:
            asked = (body["task"], body["task_version"], body["stream"], body["repeat"])
            yield from _key_problem(
                event, make_key(make_key(self.root, "task", *asked), body["program"])
            )

    def meta_evaluation(self, event: Event, body: Body) -> Iterator[str]:
        self.metas[body["improver"], body["stream"]] = body
        yield from _estimate_problem("its values", body, estimate(body["values"]))
        if self.root is not None:
            key = make_key(self.root, "meta", body["improver"], body["stream"])
            yield from _key_problem(event, key)

    def proposal(self, event: Event, body: Body) -> Iterator[str]:
        self.proposals[body["t"]] = body
        yield from self._step_key(event, body)
        new = self.metas.get((body["improver"] or "", "val"))
        old = self.metas.get((body["parent"], "val"))
        if body["val_difference"] is not None and new is not None and old is not None:
            difference = paired_difference(new["values"], old["values"])
            yield from _estimate_problem("val_difference", body["val_difference"], difference)

    def iteration(self, event: Event, body: Body) -> Iterator[str]:
        self.iterations[body["t"]] = body
        yield from self._step_key(event, body)
        for stream in ("val", "test"):
            yield from self._meta_problem(stream, body["improver_id"], stream, body[stream])
        proposal = self.proposals.get(body["t"])
        said = body["proposal"]
        if (proposal is None) != (said is None):
            yield "it and the proposals do not agree whether there was one"
        elif proposal is not None and said != _proposal_json(proposal):
            yield f"its proposal is not the one that was recorded for t = {body['t']}"

    def baseline(self, event: Event, body: Body) -> Iterator[str]:
        self.baselines[body["name"]] = body
        if self.root is not None:
            yield from _key_problem(event, make_key(self.root, "baseline", body["name"]))
        yield from _estimate_problem("its values", body, estimate(body["values"]))
        yield from baseline_problems(self.events, body)

    def transfer(self, event: Event, body: Body) -> Iterator[str]:
        self.transfers[event.kind][body["task"]] = body
        if self.root is not None:
            yield from _key_problem(event, make_key(self.root, event.kind, body["task"]))
        yield from transfer_problems(self.events, body)

    def audit_tally(self, event: Event, body: Body) -> Iterator[str]:
        if self.root is not None:
            key = make_key(self.root, event.kind, body["condition"])
            yield from _key_problem(event, key)
        yield from audit_tally_problems(self.events, body)

    def audit_verdict(self, event: Event, body: Body) -> Iterator[str]:
        if self.root is not None:
            yield from _key_problem(event, make_key(self.root, event.kind, body["program"]))

    def result(self, event: Event, body: Body) -> Iterator[str]:
        yield from self._of_run(event)
        if body["run_id"] != self.run_id:
            yield f"it says that it is of run {body['run_id']}"
        if "origin" in body:
            yield from transfer_result_problems(body, self.transfers)
        elif "conditions" in body:
            yield from audit_result_problems(self.events, body)
        elif "iterations" in body:
            yield from self._stop_result(body)
        elif "best" in body:
            yield from improve_result_problems(self.events, body)

    def run_end(self, event: Event, body: Body) -> Iterator[str]:
        yield from self._of_run(event)
        before = self.events[-1] if self.events else None
        if before is not None and before.kind == "result":
            for name in ("state", "usage", "wall_s"):
                if before.body[name] != body[name]:
                    yield f"its {name} is not that of the result"

    # --- parts of them --------------------------------------------------------------------------

    def _of_run(self, event: Event) -> Iterator[str]:
        if event.key != self.run_id:
            yield f"the key of this {event.kind} is not the run's id"

    def _step_key(self, event: Event, body: Body) -> Iterator[str]:
        if self.root is not None:
            yield from _key_problem(event, make_key(self.root, event.kind, body["t"]))

    def _meta_problem(self, what: str, improver: str, stream: str, said: Body) -> Iterator[str]:
        meta = self.metas.get((improver, stream))
        if meta is None:
            yield f"{what} is of improver {improver} on {stream}, which was never measured"
        else:
            yield from _estimate_problem(what, said, _estimate_of(meta))

    def _stop_result(self, body: Body) -> Iterator[str]:
        if body["iterations"] != [self.iterations[t] for t in sorted(self.iterations)]:
            yield "its iterations are not those that were recorded"
            return
        first, last = body["iterations"][0]["improver_id"], body["iterations"][-1]["improver_id"]
        if body["best_improver_id"] != last:
            yield f"its best improver is not the last one, {last}"
        comparison = body["comparison"]
        yield from self._meta_problem("comparison.seed", first, "test", comparison["seed"])
        yield from self._meta_problem("comparison.final", last, "test", comparison["final"])
        seed, final = self.metas.get((first, "test")), self.metas.get((last, "test"))
        if seed is not None and final is not None:
            difference = paired_difference(final["values"], seed["values"])
            yield from _estimate_problem("comparison.vs_seed", comparison["vs_seed"], difference)
            yield from row_problems(comparison, self.baselines, final)
        yield from _restart_problem(comparison)


_Check: TypeAlias = Callable[[_Past, Event, Body], Iterable[str]]
_CHECKS: Mapping[str, _Check] = {
    "run": _Past.run,
    "invocation": _Past.invocation,
    "invocation_end": _Past.invocation_end,
    "diverged": _Past.diverge,
    "lm_call": _Past.lm_call,
    "lm_answer": _Past.lm_answer,
    "evaluation": _Past.evaluation,
    "meta_evaluation": _Past.meta_evaluation,
    "proposal": _Past.proposal,
    "iteration": _Past.iteration,
    "baseline": _Past.baseline,
    "transfer": _Past.transfer,
    "transfer_restart": _Past.transfer,
    "audit_tally": _Past.audit_tally,
    "audit_verdict": _Past.audit_verdict,
    "result": _Past.result,
    "run_end": _Past.run_end,
}


def _proposal_json(body: Body) -> dict[str, Any]:
    """A proposal as its iteration shows it."""
    shown = {name: body[name] for name in ("accepted", "val_difference", "reason")}
    return {"improver_id": body["improver"], **shown}


def _key_problem(event: Event, expected: str) -> Iterator[str]:
    """Keys of what no guest asks for follow from the run's seed and what the event says."""
    if event.key != expected:
        yield f"the key of this {event.kind} is {event.key}, but what it says makes {expected}"


def _totals(events: Sequence[Event]) -> Iterator[Problem]:
    """The run's own sums against those of its requests up to there."""
    for place, event in enumerate(events):
        if event.kind in ("result", "run_end"):
            total = spending(events[:place]).total
            for what in _usage_problem("the run's model requests", event.body["usage"], total):
                yield event.seq, what


def _usage_problem(what: str, said: Body, found: Usage) -> Iterator[str]:
    for name, amount in asdict(found).items():
        if not _close(said[name], amount):
            yield f"{what} come to {amount} {name}, and it says {said[name]}"


def _estimate_of(body: Body) -> Estimate:
    return Estimate(body["mean"], body["ci95"], body["n"])


def _restart_problem(comparison: Body) -> Iterator[str]:
    """The restarted seed's own values are not in the journal, but its mean and differences are."""
    restarted, difference = comparison["seed_restarted"], comparison["vs_seed_restarted"]
    if restarted is None or difference is None:
        if restarted is not difference:
            yield "comparison.seed_restarted and vs_seed_restarted do not go together"
        return
    mean = comparison["final"]["mean"] - restarted["mean"]
    if not _close(mean, difference["mean"]) or restarted["n"] != difference["n"]:
        yield f"comparison.vs_seed_restarted comes to {mean}, and it says {difference['mean']}"

"""What must hold of the events that a STOP run alone writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun, latest
from selftaught.core.betting import looks, needed_e_value, paired, verdict
from selftaught.core.statistics import Estimate, close, estimate, paired_difference
from selftaught.engine.keys import make_key, of_step
from selftaught.journal.codec import Event
from selftaught.journal.study_events import (
    Baseline,
    Certificate,
    Iteration,
    MetaEvaluation,
    Proposal,
    StepProposal,
)
from selftaught.studies.checking import (
    estimate_problem,
    key_problem,
    paired_problems,
    scale_of,
)


def stop_problems(event: Event, before: RecordedRun) -> Iterator[str]:
    """How an event is not what those before it come to."""
    root = make_key("run", before.head.seed)
    match event.body:
        case Certificate() as body:
            yield from key_problem(root, event, event.kind, *of_step(body.t, body.k))
            number = (body.t - 1) * _proposals(before) + body.k + 1
            yield from paired_problems(before, body, "val", str(number))
        case Proposal() as body:
            yield from key_problem(root, event, event.kind, *of_step(body.t, body.k))
            yield from _proposal_problems(root, before, body)
        case Iteration() as body:
            yield from key_problem(root, event, event.kind, body.t)
            yield from _iteration_problems(root, before, body)
        case Baseline() as body:
            yield from key_problem(root, event, "baseline", body.name)
            found = estimate(body.values, before.head.unit)
            yield from estimate_problem("its values", body.estimate, found)
            yield from _baseline_problems(before, body)


def _proposal_problems(root: str, before: RecordedRun, body: Proposal) -> Iterator[str]:
    place = of_step(body.t, body.k)
    certificate = before.last(Certificate, make_key(root, "certificate", *place))
    if certificate is not None:
        yield from _certified_problems(before, body, certificate)
        return
    config, said = before.head.config, body.val_difference
    if body.improver not in (None, body.parent):
        if config["accept"] == "certified":
            yield "it was decided without pairs: it has no certificate"
        # Whoever runs is measured, and the policy's verdict follows from the means.
        elif config["accept"] == "strict" and body.accepted != (said is not None and said.mean > 0):
            yield f"accepted: {body.accepted}, and that is not what its val_difference comes to"
    new, old = (
        before.last(MetaEvaluation, make_key(root, "meta", improver, "val"))
        for improver in (body.improver or "", body.parent)
    )
    if said is not None and new is not None and old is not None:
        difference = paired_difference(new.values, old.values, before.head.unit)
        yield from estimate_problem("val_difference", said, difference)


def _certified_problems(
    before: RecordedRun, body: Proposal, certificate: Certificate
) -> Iterator[str]:
    """How a decision is not what its pairs come to."""
    if (certificate.improver, certificate.parent) != (body.improver, body.parent):
        yield "it was decided by pairs of other improvers"
    config, values = before.head.config, certificate.values
    at = looks(config["certify_pairs"], len(values))
    found = verdict(values, needed_e_value(config["iterations"] * _proposals(before)), at)
    if found is None or (found.adopted, found.said) != (body.accepted, body.reason):
        said = f"accepted: {body.accepted}, {body.reason}"
        yield f"its pairs come to {'no decision' if found is None else found.said}; it says {said}"
    if body.val_difference is None:
        yield "it was decided by pairs, and has no val_difference"
    else:
        yield from estimate_problem("val_difference", body.val_difference, paired(values))


def _iteration_problems(root: str, before: RecordedRun, body: Iteration) -> Iterator[str]:
    said: tuple[tuple[str, Estimate], ...] = (("val", body.val), ("test", body.test))
    for stream, estimated in said:
        meta = before.last(MetaEvaluation, make_key(root, "meta", body.improver_id, stream))
        if meta is None:
            of = f"improver {body.improver_id} on {stream}"
            yield f"{stream} is of {of}, which was never measured"
        else:
            yield from estimate_problem(stream, estimated, meta.estimate)
    keys = (make_key(root, "proposal", *of_step(body.t, k)) for k in range(_proposals(before)))
    found = [one for one in (before.last(Proposal, key) for key in keys) if one is not None]
    listed = body.proposals or tuple(filter(None, (body.proposal,)))
    if len(found) != len(listed):
        yield "it and the proposals do not agree whether there was one"
    elif (body.proposal is not None and body.proposal not in listed) or any(
        _as_told(one) != told for one, told in zip(found, listed, strict=True)
    ):
        yield f"its proposal is not the one that was recorded for t = {body.t}"
    elif before.head.config.get("select", "latest") != "latest":
        yield from _standing_problems(root, before, body)


def _standing_problems(root: str, before: RecordedRun, body: Iteration) -> Iterator[str]:
    """What stands is the best on val of all that was adopted, of equals the first."""
    adopted = dict.fromkeys(filter(None, (before.head.improver_id,)))
    for one in sorted(latest(before.events, Proposal).values(), key=lambda one: (one.t, one.k)):
        if one.accepted and one.improver is not None and one.t <= body.t:
            adopted.setdefault(one.improver)
    val = {
        improver: before.last(MetaEvaluation, make_key(root, "meta", improver, "val"))
        for improver in adopted
    }
    means = {improver: one.mean for improver, one in val.items() if one is not None}
    if len(means) < len(adopted):
        yield "something was adopted that was not measured on val"
    elif (best := max(means, key=lambda one: means[one])) != body.improver_id:
        yield f"{best} is the best on val of all that was adopted, and it says {body.improver_id}"


def _proposals(before: RecordedRun) -> int:
    """A step; older runs do not say it."""
    return int(before.head.config.get("proposals", 1))


def _as_told(body: Proposal) -> StepProposal:
    """A proposal as its iteration shows it."""
    return StepProposal(body.improver, body.accepted, body.val_difference, body.reason)


def _baseline_problems(before: RecordedRun, body: Baseline) -> Iterator[str]:
    """How a baseline is not what the events before it come to, its estimate aside."""
    past = before.past()
    told = {task.name: task for task in before.head.tasks}
    for task, values in body.values.items():
        scale = scale_of(body, task, told[task])
        for run, value in enumerate(values):
            repeat = f"test-{run}"
            where = f"of baseline {body.name} in run {run} of {task}"
            lowest = told[task].worth(scale.worst)
            best = past.best("restart", body.improver, told[task], repeat, lowest)
            if best is not None and (best, task, "test", repeat) not in past.values:
                yield f"the best program {where} was never scored on test"
                continue
            scored = past.values.get((best or "", task, "test", repeat))
            found = {
                "programs": best,
                "samples": past.drawn("restart", body.improver, task, repeat),
                "final_samples": past.drawn("inner", body.final, task, repeat),
                "values": 0.0 if scored is None else scale.share(scored),
            }
            said = {
                "programs": body.programs[task][run],
                "samples": body.samples[task][run],
                "final_samples": body.final_samples[task][run],
                "values": value,
            }
            for name in found:
                if not _same(found[name], said[name]):
                    yield f"{name} {where} come to {found[name]}, and it says {said[name]}"


def _same(found: Any, said: Any) -> bool:
    if isinstance(found, float) and isinstance(said, (int, float)):
        return close(found, said)
    return bool(found == said)

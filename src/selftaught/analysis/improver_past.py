"""What an improver that is improved has done, as `history()` tells it in a guest.

From the journal on search instances alone: its own improver runs in the meta-utility that improvers
query, and what was proposed for it before. Of val and test it holds nothing but whether a proposal
was adopted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun, latest
from selftaught.journal.bench_events import SearchTrace
from selftaught.journal.events import Evaluation, Invocation, InvocationEnd, Replies, TaskVersion
from selftaught.journal.study_events import MetaEvaluation, Proposal
from selftaught.pages.text import unified_diff

MOST_BYTES = 64 << 10
_DETAIL_CHARS, _CHANGES_CHARS, _POINTS, _MOST = 200, 2_000, 12, 100
_SEARCH = "search"

Scored = Mapping[tuple[str, str, str], Evaluation]  # by program, task and repeat


def improver_past(run: RecordedRun, improver: str) -> dict[str, Any]:
    """Of a program's id; data of at most `MOST_BYTES` as JSON, where of the proposals the oldest
    and of the runs the last ones are left out."""
    events = run.events
    told = {task.name: task for task in run.head.tasks}
    begun = {
        key: one
        for key, one in latest(events, Invocation).items()
        if (one.role, one.improver) == ("inner", improver)
        and (one.repeat or "").startswith(f"{_SEARCH}-")
    }
    ends, traces = latest(events, InvocationEnd), latest(events, SearchTrace)
    scored: Scored = {
        (one.program, one.task, one.repeat): one
        for one in latest(events, Evaluation).values()
        if one.stream == _SEARCH and one.repeat.startswith(f"{_SEARCH}-")
    }
    lost: dict[str, Counter[str]] = {key: Counter() for key in begun}
    for replies in latest(events, Replies).values():
        if replies.invocation in lost:
            lost[replies.invocation].update(filter(None, replies.whys))
    places = list(told)
    ordered = sorted(
        begun, key=lambda key: (places.index(begun[key].task or ""), begun[key].repeat)
    )
    means = {
        one.improver: one.mean
        for one in latest(events, MetaEvaluation).values()
        if one.stream == _SEARCH
    }
    proposals = sorted(latest(events, Proposal).values(), key=lambda one: (one.t, one.k))
    return _capped(
        {
            "search": means.get(improver),
            "runs": [
                _run(run, begun[key], ends[key], traces.get(key), scored, lost[key], told)
                for key in ordered
                if key in ends
            ],
            "proposals": [
                {
                    "adopted": one.accepted,
                    # The reason of any other is by val.
                    "failed": one.reason[:_DETAIL_CHARS] if one.improver is None else None,
                    "search": means.get(one.improver or ""),
                    "changes": _changes(run, improver, one.improver),
                }
                for one in proposals
                if one.parent == improver
            ],
        }
    )


def _run(
    run: RecordedRun,
    begun: Invocation,
    end: InvocationEnd,
    trace: SearchTrace | None,
    scored: Scored,
    lost: Counter[str],
    told: Mapping[str, TaskVersion],
) -> dict[str, Any]:
    assert begun.task is not None  # it is of a task
    best: list[list[float]] = []
    failures = Counter(lost)
    if trace is not None:
        drawn = [0, *accumulate(trace.samples)]
        for after, program in zip(trace.after, trace.programs, strict=True):
            one = scored.get((program or "", begun.task, begun.repeat or ""))
            if one is None or one.value is None:
                failures["no_code" if one is None else one.outcome] += 1
            elif not best or told[begun.task].worth(one.value) > best[-1][1]:
                best.append([drawn[min(after, len(drawn) - 1)], told[begun.task].worth(one.value)])
    asked = () if trace is None else trace.asked
    return {
        "task": begun.task,
        "outcome": end.outcome,
        "detail": end.detail[:_DETAIL_CHARS],
        "calls": end.usage.lm_calls,
        "samples": end.usage.samples,
        "scored": end.utility_uses,
        "asked": [run.text(one) or "" for one in asked],
        "failures": dict(sorted(failures.items())),
        "best": best[-_POINTS:],
    }


def _changes(run: RecordedRun, old: str, new: str | None) -> str:
    before, after = run.text(old), None if new is None else run.text(new)
    if before is None or after is None:
        return ""
    return (unified_diff(before, after, "before", "after") or "")[:_CHANGES_CHARS]


def _capped(past: dict[str, Any]) -> dict[str, Any]:
    past["runs"], past["proposals"] = past["runs"][:_MOST], past["proposals"][-_MOST:]
    while len(json.dumps(past)) > MOST_BYTES:
        if past["proposals"]:
            del past["proposals"][0]
        else:
            past["runs"].pop()
    return past

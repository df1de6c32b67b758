"""What an improver that is improved has done, as `history()` tells it in a guest.

From the journal on search instances alone: its own improver runs in the meta-utility that improvers
query, and what was proposed for it before. Of val and test it holds nothing but whether a proposal
was adopted.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
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
# Of what failed by the machine, which a replay does not run again.
_NO_TRACE = SearchTrace(samples=(), usd=None, replies=(), after=(), programs=())


def improver_past(run: RecordedRun, improver: str) -> dict[str, Any]:
    """Of a program's id; data of at most `MOST_BYTES` as JSON, where of the proposals the oldest
    and of the runs the last ones are left out."""
    events = run.events
    places = [task.name for task in run.head.tasks]
    begun = [
        (places.index(one.task or ""), one.repeat or "", key)
        for key, one in latest(events, Invocation).items()
        if (one.role, one.improver) == ("inner", improver) and _is_search(one.repeat)
    ]
    ends, read = latest(events, InvocationEnd), _Read(run)
    means: dict[str, float] = {}
    proposals: dict[str, tuple[Proposal, float | None]] = {}
    for event in events:
        match event.body:
            case MetaEvaluation(stream="search") as meta:
                means[meta.improver] = meta.mean
            case Proposal(parent=parent) as one if parent == improver:
                # As it was known then: of the step under way there may be more in the journal.
                proposals[event.key] = one, means.get(one.improver or "")
    return _capped(
        {
            "search": means.get(improver),
            "runs": [
                read.run_of(run.head.tasks[place], repeat, key, ends[key])
                for place, repeat, key in sorted(begun)
                if key in ends
            ],
            "proposals": [
                {
                    "adopted": one.accepted,
                    # The reason of any other is by val.
                    "failed": one.reason[:_DETAIL_CHARS] if one.improver is None else None,
                    "search": search,
                    "changes": _changes(run, improver, one.improver),
                }
                for one, search in proposals.values()
            ],
        }
    )


def _is_search(repeat: str | None) -> bool:
    """Whether it is of the meta-utility that improvers query."""
    return (repeat or "").startswith(f"{_SEARCH}-")


class _Read:
    """What improver runs asked, were told, and scored."""

    def __init__(self, run: RecordedRun) -> None:
        self._text = run.text
        self._traces = latest(run.events, SearchTrace)
        self._scored = {
            (one.program, one.task, one.repeat): one
            for one in latest(run.events, Evaluation).values()
            if one.stream == _SEARCH and _is_search(one.repeat)
        }
        self._lost: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for replies in latest(run.events, Replies).values():
            self._lost[replies.invocation].update(filter(None, replies.whys))

    def run_of(
        self, task: TaskVersion, repeat: str, key: str, end: InvocationEnd
    ) -> dict[str, Any]:
        best: list[list[float]] = []
        failures = Counter(self._lost[key])
        trace = self._traces.get(key, _NO_TRACE)
        drawn = [0, *accumulate(trace.samples)]
        for after, program in zip(trace.after, trace.programs, strict=True):
            one = self._scored.get((program or "", task.name, repeat))
            if one is None or one.value is None:
                failures["no_code" if one is None else one.outcome] += 1
            elif not best or task.worth(one.value) > best[-1][1]:
                best.append([drawn[after], task.worth(one.value)])
        return {
            "task": task.name,
            "outcome": end.outcome,
            "detail": end.detail[:_DETAIL_CHARS],
            "calls": end.usage.lm_calls,
            "samples": end.usage.samples,
            "scored": end.utility_uses,
            "asked": [self._text(one) or "" for one in trace.asked],
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

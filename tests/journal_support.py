"""Events in tests: their bodies as JSON data, of which a test says what it cares for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.analysis.recorded_run import recorded
from selftaught.analysis.run_view import RunView, run_view
from selftaught.journal.codec import Event, as_json, from_json
from selftaught.journal.port import Journal
from selftaught.journal.reader import JournalReader

_ID = "ab" * 16
_USAGE = {
    **{"lm_calls": 0, "requests": 0, "samples": 0},
    **{"tokens_in": 0, "tokens_out": 0, "usd": 0.0},
}
_ESTIMATE = {"mean": 0.5, "ci95": [0.25, 0.75], "n": 5}
_DECISION = {"accepted": True, "val_difference": _ESTIMATE, "reason": "better on val"}
_OF_TASK = {"task": "t", "lowest": 0.0, "improvers": {}, "programs": {}, "values": {}}
_PAIRED = {
    **{"improver": _ID, "parent": _ID, "values": {"t": [[0.5, 0.25]]}},
    **{"bounds": {"t": [0.0, 1.0]}, "seed_values": {}},
}

# One of each kind, with the fields that are always written, in their order.
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "run": {
        **{"command": "run", "config": {}, "version": "0.1.0", "seed": 0, "model": "m"},
        **{"tier": "sealed", "tasks": [], "started": "2026-11-23T04:55:00+00:00"},
    },
    "result": {"run_id": "r", "state": "done", "usage": _USAGE},
    "run_end": {"state": "done", "detail": "", "usage": _USAGE, "wall_s": 1.5},
    "invocation": {
        **{"role": "inner", "parent": "", "improver": _ID},
        **{"task": None, "stream": None, "repeat": None},
    },
    "invocation_end": {
        **{"outcome": "returned", "detail": "", "program": None, "cpu_s": 0.1},
        **{"usage": _USAGE, "utility_uses": 1},
    },
    "lm_call": {
        **{"invocation": "i", "request": 0, "place": 0, "system": _ID, "user": _ID, "n": 2},
        **{"temperature": 0.7, "max_tokens": 10, "seeds": [1, 2], "reserved": _USAGE},
    },
    "lm_answer": {
        **{"invocation": "i", "request": 0, "state": "answered", "detail": "", "texts": []},
        **{"finishes": [], "model": "m", "usage_reported": True, "usage": _USAGE},
        "cost_usd": None,
    },
    "replies": {
        **{"invocation": "i", "call": "k", "shown": None, "programs": [_ID, None]},
        "whys": ["", "empty"],
    },
    "clock": {"invocation": "i", "s": 1.5},
    "diverged": {"role": "inner", "detail": ""},
    "model_notice": {"detail": ""},
    "notice": {"detail": ""},
    "phase": {"name": "comparison"},
    "evaluation": {
        **{"program": _ID, "task": "t", "stream": "search", "repeat": "0", "task_version": "1"},
        **{"kind": "scored", "value": 0.5, "detail": "", "feedback": "", "per_instance": []},
        **{"metrics": {}, "cpu_s": 0.01, "tier": "sealed"},
    },
    "meta_evaluation": {"improver": _ID, "stream": "val", **_ESTIMATE, "values": {"t": [0.5]}},
    "proposal": {"t": 1, "parent": _ID, "improver": None, **_DECISION},
    "iteration": {
        **{"t": 1, "improver_id": _ID, "val": _ESTIMATE, "test": _ESTIMATE},
        "proposal": {"improver_id": None, **_DECISION},
    },
    "baseline": {
        **{"name": "seed", "improver": _ID, "final": _ID, **_ESTIMATE, "values": {"t": [0.5]}},
        **{"programs": {"t": [None]}, "samples": {"t": [1]}, "final_samples": {"t": [1]}},
        "bounds": {"t": [0.0, 1.0]},
    },
    "certificate": {**_PAIRED, "t": 1},
    "promotion": {**_PAIRED, "run_id": "r", "t": 1},
    "transfer": {**_OF_TASK, "samples": {}},
    "transfer_restart": {**_OF_TASK, "samples": {}},
    "raced": {
        **{"program": _ID, "against": _ID, "task": "t", "stream": "search", "repeat": "r"},
        **{"task_version": "v", "value": 0.5, "feedback": "", "per_instance": [0.5, 0.25]},
        **{"done": 1, "of": 4, "cpu_s": 0.1, "tier": "sealed"},
    },
    "search_trace": {
        **{"samples": [2], "usd": [0.5], "replies": ["k"], "after": [1, 1]},
        "programs": [_ID, None],
    },
    "bench_arm": {
        **{"task": "t", "improver": _ID, "index": 0, "runs": ["i"], "samples": 2, "scorings": 2},
        **{"usd": 0.5, "edited": 0, "points": [], "bounds": [0.0, None]},
    },
    "ignition_child": {
        **{"lineage": 0, "improver": _ID, "child": 0, "runs": ["i"], "program": _ID, "samples": 2},
        **{"scorings": 2, "search": 0.5, "values": {"t": [0.5]}, "bounds": {"t": [0.0, 1.0]}},
        "seed_values": {},
    },
    "audit_tally": {
        **{"condition": "with", "invocation": "i", "samples": 1, "no_code": 0},
        "programs": {_ID: 1},
    },
    "strategy_readings": {
        "origin": "r",
        "improvers": [
            {
                **{"improver": "i", "t": 1, "parent": "p", "accepted": True, "reason": "better"},
                "val": {"mean": 0.5, "ci95": [0.4, 0.6], "n": 5},
                "findings": [{"by": "source", "strategy": "caching", "lines": [3]}],
            }
        ],
    },
    "strategy_verdict": {"improver": "i", "call": "k", "thrown_away": ["ensemble"]},
    "audit_verdict": {
        **{"program": _ID, "signs": [{"kind": "flag", "line": 1, "text": "x"}]},
        "unreadable": "",
        "trial": {
            **{"outcome": "returned", "detail": "", "runs": 1},
            **{"attempts": [{"kind": "flag", "detail": "d"}], "succeeded": []},
        },
    },
}


def event(kind: str, body: Mapping[str, Any], key: str = "key", seq: int = 0) -> Event:
    """An event of a run `run`."""
    return Event(
        seq,
        "run",
        key,
        float(seq),
        from_json(kind, json.loads(json.dumps({**EXAMPLES.get(kind, {}), **body}))),
    )


def put(
    journal: Journal,
    run_id: str,
    kind: str,
    key: str,
    body: Mapping[str, Any],
    texts: Sequence[str] = (),
) -> None:
    """Append an event."""
    journal.append(run_id, event(kind, body).body, key, texts)


def said(one: Event) -> dict[str, Any]:
    """Its body."""
    return as_json(one.body)


def view_run(reader: JournalReader, run_id: str) -> RunView:
    """What is shown of a run of a store."""
    return run_view(recorded(reader, run_id))

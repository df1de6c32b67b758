"""The forms of events, as far as `selftaught verify` needs them; the whole of it is in run_view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, TypeAlias

from selftaught.core.budget import Usage
from selftaught.store.reader import Event

Body: TypeAlias = Mapping[str, Any]

_NUMBER = (int, float)
_NONE = type(None)
_USAGE_FIELDS = tuple(spec.name for spec in fields(Usage))

_TRANSFER: Mapping[str, type | tuple[type, ...]] = {
    "task": str,
    "lowest": _NUMBER,
    "improvers": dict,
    "programs": dict,
    "values": dict,
    "samples": dict,
}

# Of each kind the fields that the checks below need, and their types.
_FORMS: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "run": {"command": str},
    "invocation": {"role": str, "improver": str},
    "invocation_end": {"outcome": str, "program": (str, _NONE), "usage": dict},
    "lm_call": {"invocation": str, "request": int, "system": str, "user": str, "n": int},
    "lm_answer": {
        "invocation": str,
        "request": int,
        "state": str,
        "texts": list,
        "usage": dict,
        "cost_usd": (*_NUMBER, _NONE),
    },
    "evaluation": {
        "program": str,
        "task": str,
        "task_version": str,
        "stream": str,
        "repeat": str,
        "kind": str,
        "value": (*_NUMBER, _NONE),
        "per_instance": list,
    },
    "meta_evaluation": {"improver": str, "stream": str, "mean": _NUMBER, "n": int, "values": dict},
    "proposal": {
        "t": int,
        "parent": str,
        "improver": (str, _NONE),
        "val_difference": (dict, _NONE),
    },
    "iteration": {
        "t": int,
        "improver_id": str,
        "val": dict,
        "test": dict,
        "proposal": (dict, _NONE),
    },
    "baseline": {
        "name": str,
        "improver": str,
        "final": str,
        "values": dict,
        "programs": dict,
        "samples": dict,
        "final_samples": dict,
        "bounds": dict,
        "mean": _NUMBER,
        "n": int,
    },
    "transfer": _TRANSFER,
    "transfer_restart": _TRANSFER,
    "audit_tally": {
        "condition": str,
        "invocation": str,
        "samples": int,
        "no_code": int,
        "programs": dict,
    },
    "audit_verdict": {
        "program": str,
        "signs": list,
        "unreadable": str,
        "trial": (dict, _NONE),
    },
    "result": {"run_id": str, "state": str, "usage": dict},
    "run_end": {"state": str, "usage": dict},
}
# What must be the same wherever a key is written again; measurements of time may differ.
LASTING = {
    "transfer": tuple(_TRANSFER),
    "transfer_restart": tuple(_TRANSFER),
    "audit_tally": ("condition", "invocation", "samples", "no_code", "programs"),
    "audit_verdict": ("program", "signs", "unreadable", "trial"),
    "evaluation": (
        *("program", "task", "task_version", "stream", "repeat", "kind", "value", "per_instance"),
    ),
    "meta_evaluation": ("improver", "stream", "mean", "ci95", "n", "values"),
    "iteration": ("t", "improver_id", "val", "test", "proposal"),
    "baseline": (
        *("name", "improver", "final", "values", "programs", "samples", "final_samples", "bounds"),
        *("mean", "ci95", "n"),
    ),
}


def form_problem(event: Event) -> str | None:
    """How an event's body is not of the form of its kind; None if it is, or nothing is known."""
    form = _FORMS.get(event.kind, {})
    for name, kinds in form.items():
        if name not in event.body:
            return f"this {event.kind} has no {name}"
        value = event.body[name]
        if not isinstance(value, kinds) or isinstance(value, bool):
            return f"{name} of this {event.kind} is not of its form: {value!r:.60}"
    if "usage" in form and not _is_usage(event.body["usage"]):
        return f"usage of this {event.kind} is not of its form"
    return None


def _is_usage(value: Body) -> bool:
    return set(value) == set(_USAGE_FIELDS) and all(
        isinstance(value[name], _NUMBER) for name in _USAGE_FIELDS
    )


def named_texts(event: Event) -> Iterator[Any]:
    """The content ids that an event of its form names."""
    body = event.body
    match event.kind:
        case "invocation" | "meta_evaluation":
            yield body["improver"]
        case "baseline":
            yield from (body["improver"], body["final"])
            yield from (one for ids in body["programs"].values() for one in ids if one is not None)
        case "transfer" | "transfer_restart":
            yield from body["improvers"].values()
            yield from (one for ids in body["programs"].values() for one in ids if one is not None)
        case "audit_tally":
            yield from body["programs"]
        case "audit_verdict":
            yield body["program"]
        case "lm_call":
            yield from (body["system"], body["user"])
        case "lm_answer":
            yield from body["texts"]
        case "evaluation":
            yield body["program"]
        case "invocation_end":
            yield from _present(body["program"])
        case "proposal":
            yield from (body["parent"], *_present(body["improver"]))
        case "iteration":
            yield body["improver_id"]
            yield from _present((body["proposal"] or {}).get("improver_id"))
        case "result":
            yield from _present(body.get("best_improver_id"))
            yield from _present((body.get("best") or {}).get("program_id"))


def _present(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value,)

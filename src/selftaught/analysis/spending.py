"""What a run's model calls took, recomputed from its events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from selftaught.core.budget import Usage
from selftaught.store.reader import Event

SPENDING_KINDS = ("invocation", "lm_call", "lm_answer")
_UNKNOWN_ROLE = "unknown"


@dataclass(frozen=True, slots=True)
class Spending:
    """Usage by the role of the invocation that asked for it.

    Attributes:
        roles: usage of each role.
        unpriced_answers: answers of unknown price, which count as 0 USD.
    """

    roles: Mapping[str, Usage]
    unpriced_answers: int

    @property
    def total(self) -> Usage:
        return sum(self.roles.values(), Usage())

    def as_json(self) -> dict[str, Any]:
        return {
            "roles": {role: asdict(usage) for role, usage in self.roles.items()},
            "total": asdict(self.total),
            "unpriced_answers": self.unpriced_answers,
        }


def spending(events: Iterable[Event]) -> Spending:
    """Sum up the events of `SPENDING_KINDS` of one run.

    A call is counted once for its key, also if a resumed run asked again, and not if it was
    refused. Each failed attempt is counted for what it took, and the answer for its key once.
    """
    role_of: dict[str, str] = {}
    caller_of: dict[str, str] = {}
    refused: set[str] = set()
    paid: list[tuple[str, Usage]] = []
    answered: set[str] = set()
    unpriced = 0
    for event in events:
        body = event.body
        if event.kind == "invocation":
            role_of[event.key] = body["role"]
        elif event.kind == "lm_call":
            caller_of[event.key] = body["invocation"]
        elif event.kind == "lm_answer":
            caller_of.setdefault(event.key, body["invocation"])
            if body["state"] == "refused":
                refused.add(event.key)
                continue
            if event.key in answered:
                continue
            if body["state"] == "answered":
                answered.add(event.key)
                unpriced += body.get("cost_usd") is None
            paid.append((event.key, _usage_of(body)))
    roles: defaultdict[str, Usage] = defaultdict(Usage)
    for key, invocation in caller_of.items():
        if key not in refused:
            roles[role_of.get(invocation, _UNKNOWN_ROLE)] += Usage(lm_calls=1)
    for key, usage in paid:
        roles[role_of.get(caller_of[key], _UNKNOWN_ROLE)] += usage
    return Spending(dict(sorted(roles.items())), unpriced)


def _usage_of(answer: Mapping[str, Any]) -> Usage:
    """What one answer took, without the call itself."""
    usage = replace(Usage(**(answer.get("usage") or {})), lm_calls=0)
    cost_usd = answer.get("cost_usd")
    return usage if cost_usd is None else replace(usage, usd=cost_usd)

"""What a run's model calls took, recomputed from its events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from selftaught.core.budget import Usage
from selftaught.journal.codec import Event, as_json
from selftaught.journal.events import Invocation, LmAnswer, LmCall

SPENDING_KINDS = (Invocation, LmCall, LmAnswer)
_UNKNOWN_ROLE = "unknown"


@dataclass(frozen=True, slots=True)
class Spending:
    """Usage by the role of the improver run that asked for it.

    Attributes:
        models: the same by the model that was asked, of a run with several.
        unpriced_answers: answers of unknown price, which count as 0 USD.
        open_requests: requests of which nothing more is known: under way, or cut off.
    """

    roles: Mapping[str, Usage]
    unpriced_answers: int
    open_requests: int
    models: Mapping[str, Usage] = field(default_factory=dict)

    @property
    def total(self) -> Usage:
        return sum(self.roles.values(), Usage())

    def as_json(self) -> dict[str, Any]:
        told = as_json(self) | {"total": asdict(self.total)}
        return {name: one for name, one in told.items() if name != "models" or one}


def spending(events: Iterable[Event]) -> Spending:
    """Sum up the events of `SPENDING_KINDS` of one run: what each request took, once."""
    role_of: dict[str, str] = {}
    asked: dict[tuple[str, int], str] = {}
    closed: dict[tuple[str, int], LmAnswer] = {}
    for event in events:
        match event.body:
            case Invocation(role=role):
                role_of[event.key] = role
            case LmCall() as call:
                asked[event.key, call.request] = call.model
            case LmAnswer() as answer:
                closed[event.key, answer.request] = answer
    roles: defaultdict[str, Usage] = defaultdict(Usage)
    models: defaultdict[str, Usage] = defaultdict(Usage)
    for request, answer in closed.items():
        roles[role_of.get(answer.invocation, _UNKNOWN_ROLE)] += answer.usage
        if model := asked.get(request):
            models[model] += answer.usage
    return Spending(
        roles=dict(sorted(roles.items())),
        unpriced_answers=sum(
            answer.state == "answered" and answer.cost_usd is None for answer in closed.values()
        ),
        open_requests=len(asked.keys() - closed.keys()),
        models=dict(sorted(models.items())),
    )

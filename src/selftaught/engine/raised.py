"""What a raised budget sets aside: what a run did only because its budget had ended.

Where a budget ends, an improver may be given fewer responses than it asked for, and a run closes
with a result of what there is. If the budget is raised then, the run goes on as if it had had the
larger one from the start: what may follow from either is done again, with the responses that are
there. What nothing of that reaches stands: improver runs on tasks that got all, and scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from selftaught.journal.codec import Event
from selftaught.journal.events import Invocation, InvocationEnd, Phase, Run

_ON_TASKS = "inner"


@dataclass(frozen=True, slots=True)
class Aside:
    """What is set aside.

    Attributes:
        events: all since the budget first told; those that stand are not written again.
        runs: keys of the improver runs that begin again.
    """

    events: Sequence[Event] = ()
    runs: frozenset[str] = frozenset()


NOTHING = Aside()


@dataclass(slots=True)
class Raises:
    """Follows the events of a run in their order."""

    _budget: Mapping[str, Any] | None = None
    _since: list[Event] = field(default_factory=list)
    _begun: set[str] = field(default_factory=set)
    _is_cut: bool = False

    def add(self, event: Event) -> Aside:
        """What this event sets aside: nothing, unless the run starts again with another budget."""
        match event.body:
            case Run(config=config):
                aside = self.to(config.get("budget"))
                self._budget = config.get("budget")
                return aside
            case Invocation(role=role) if role != _ON_TASKS:
                self._begun.add(event.key)
            case InvocationEnd(short=True):
                self._is_cut = True
                self._begun.add(event.key)
            case Phase(closing=True):
                self._is_cut = True
        if self._is_cut:
            self._since.append(event)
        elif isinstance(event.body, InvocationEnd):
            self._begun.discard(event.key)
        return NOTHING

    def to(self, budget: Mapping[str, Any] | None) -> Aside:
        """What this budget sets aside."""
        if not self._is_cut or self._budget in (None, budget):
            return NOTHING
        aside = Aside(self._since, frozenset(self._begun))
        self._since, self._begun, self._is_cut = [], set(), False
        return aside

"""The improver runs of a journal so far, and what their programs scored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from selftaught.engine.raised import Raises
from selftaught.journal.codec import Event
from selftaught.journal.events import Evaluation, Invocation, InvocationEnd, TaskVersion

Place: TypeAlias = tuple[str, str, str, str]  # role, improver, task and repeat


@dataclass(slots=True)
class Past:
    """Follows the events of a run, each of them once, however often it is asked.

    Attributes:
        values: by program, task, stream and repeat; None for a failure.
    """

    values: dict[Place, float | None] = field(default_factory=dict)
    _begun: dict[Place, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    _places: dict[str, Place] = field(default_factory=dict)
    _ended: dict[str, InvocationEnd] = field(default_factory=dict)
    _raises: Raises = field(default_factory=Raises)
    _read: int = 0

    def follow(self, events: Sequence[Event]) -> None:
        """All events so far, which begin with those that it knows already."""
        while self._read < len(events):
            self._add(events[self._read])
            self._read += 1

    def _add(self, event: Event) -> None:
        for key in self._raises.add(event).runs:
            self._ended.pop(key, None)
        match event.body:
            case Invocation() as start:
                place = (start.role, start.improver, start.task or "", start.repeat or "")
                self._begun[self._places.setdefault(event.key, place)][event.key] = None
            case InvocationEnd() as end if event.key in self._places:
                self._ended.setdefault(event.key, end)
            case Evaluation() as one:
                self.values[one.program, one.task, one.stream, one.repeat] = one.value

    def begun(self, role: str, improver: str, task: str, repeat: str) -> tuple[str, ...]:
        """Keys of its improver runs there, in the order in which they began."""
        return tuple(self._begun.get((role, improver, task, repeat), ()))

    def _ends(self, *place: str) -> Iterator[InvocationEnd]:
        """Of a role, improver, task and repeat, in that order."""
        return (self._ended[key] for key in self.begun(*place) if key in self._ended)

    def drawn(self, role: str, improver: str, task: str, repeat: str) -> int:
        return sum(end.usage.samples for end in self._ends(role, improver, task, repeat))

    def best(
        self, role: str, improver: str, task: TaskVersion, repeat: str, lowest: float
    ) -> str | None:
        """The best by search of what they returned; of equals, the first."""
        returned = [end.program for end in self._ends(role, improver, task.name, repeat)]

        def by_search(program: str) -> float:
            value = self.values.get((program, task.name, "search", repeat))
            return lowest if value is None else task.worth(value)

        return max(filter(None, returned), key=by_search, default=None)

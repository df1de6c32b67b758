"""A run as its journal has it: what its study's result and its page follow from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from selftaught.analysis.past import Past
from selftaught.analysis.replies import reply_outcomes
from selftaught.analysis.run_head import RunHead, read_head
from selftaught.journal.codec import Body, Event
from selftaught.journal.events import Evaluation, Invocation, InvocationEnd, Result
from selftaught.journal.reader import JournalReader
from selftaught.journal.record import EventRecord
from selftaught.journal.study_events import Iteration

B = TypeVar("B", bound=EventRecord)
Text: TypeAlias = Callable[[str], str | None]

STILL_OPEN = "open"  # of an improver run without an end
_EXAMPLE_CHARS = 160


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """What a run has recorded so far.

    Attributes:
        head: what it is, and how it stands.
        events: in their order, those of its start and its ends among them.
        text: the text of a content id, or None.
        lasting: the last of each kind by its key, where somebody has kept it.
    """

    head: RunHead
    events: Sequence[Event]
    text: Text
    lasting: Mapping[tuple[str, str], Body] | None = None
    _past: Past = field(default_factory=Past, init=False)

    @property
    def run_id(self) -> str:
        return self.head.run_id

    def past(self) -> Past:
        """Its improver runs so far, and what their programs scored."""
        self._past.follow(self.events)
        return self._past

    def last(self, kind: type[B], key: str) -> B | None:
        """The last of a kind by its key."""
        if self.lasting is not None:
            found = self.lasting.get((kind.kind, key))
            return found if isinstance(found, kind) else None
        events = (one.body for one in reversed(self.events) if one.key == key)
        return next((body for body in events if isinstance(body, kind)), None)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a run has come.

    Attributes:
        steps: of Algorithm 1, that were measured.
        best: id of the best program so far, and what it is worth on val.
        search: what it is worth on search, of a run without steps.
    """

    steps: int = 0
    best: str | None = None
    value: float | None = None
    search: float | None = None


STANDING_KINDS = (Iteration, Result)


def standing(events: Iterable[Event], result: Mapping[str, Any] | None = None) -> Standing:
    """By the last measured step or, of a run without steps, by its result.

    Args:
        result: what its events come to; None for what it said itself.
    """
    listed = [*events]
    steps = latest(listed, Iteration).values()
    if steps:
        last = max(steps, key=lambda one: one.t)
        return Standing(len(steps), last.improver_id, last.val.mean)
    best: Mapping[str, Any] = (result or said_result(listed) or {}).get("best") or {}
    val = best.get("val")
    value = val["mean"] if isinstance(val, Mapping) else val
    return Standing(0, best.get("program_id"), value, best.get("search"))


def said_result(events: Iterable[Event]) -> Mapping[str, Any] | None:
    """The final object of `--json` as the run wrote it down; None while there is none."""
    said = [event.body.shown for event in events if isinstance(event.body, Result)]
    return said[-1] if said else None


def outcomes(events: Iterable[Event]) -> list[dict[str, Any]]:
    """What became of all replies, programs and improver runs.

    Returns: `{"what", "outcome", "count", "example"}`

    The most frequent first; the example is the line that most of them said, of equals the first by
    letters: whoever came first depends on the machine.
    """
    listed = [*events]
    ends = latest(listed, InvocationEnd)
    found: list[tuple[str, str, str]] = [
        ("programs scored", one.outcome, one.detail) for one in latest(listed, Evaluation).values()
    ]
    for key in dict.fromkeys([*latest(listed, Invocation), *ends]):
        end = ends.get(key)
        outcome, detail = (STILL_OPEN, "") if end is None else (end.outcome, end.detail)
        found.append(("improver runs", outcome, detail))
    found += reply_outcomes(listed)
    counts = Counter((what, outcome) for what, outcome, _ in found)
    said: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for what, outcome, detail in found:
        if detail:
            said[what, outcome][detail.partition("\n")[0][:_EXAMPLE_CHARS]] += 1
    examples = {
        one: min(lines, key=lambda line: (-lines[line], line)) for one, lines in said.items()
    }
    return [
        {"what": what, "outcome": outcome, "count": count, "example": examples.get(one, "")}
        for one, count in sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0]))
        for what, outcome in (one,)
    ]


def latest(events: Iterable[Event], kind: type[B]) -> dict[str, B]:
    """Bodies of a kind by key, in the order of their first; later ones replace earlier ones."""
    return {event.key: event.body for event in events if isinstance(event.body, kind)}


def recorded(
    reader: JournalReader, run_id: str, own: Collection[type[EventRecord]] = ()
) -> RecordedRun:
    """All of a run; `own` are the kinds of events that its study alone writes.

    Raises: LookupError if the store does not hold it.
    """
    head = read_head(reader, run_id)
    return RecordedRun(head, list(reader.events(run_id, own=own)), reader.text)


def no_text(text_id: str) -> None:
    """Of a run that has recorded nothing yet."""

"""What became of the model's replies: lost and why, or how their programs did."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any, TypeAlias

from selftaught.analysis.spending import spending
from selftaught.journal.codec import Event
from selftaught.journal.events import Evaluation, Invocation, Replies, Run
from selftaught.journal.record import Number
from selftaught.journal.study_events import MetaEvaluation

_Place: TypeAlias = tuple[str | None, str | None, str | None]
LOST = {
    "empty": "lost: empty",
    "reasoning": "lost: thoughts alone",
    "no_program": "lost: no program",
    "elided": "lost: comments in place of code",
    "edits": "lost: edits that do not apply",
    "unreadable": "lost: not readable",
    "cut": "lost: cut at the output limit",
}


def by_call(events: Iterable[Event]) -> dict[str, Replies]:
    """What was read of the replies by prompt, where most of them were there."""
    found: dict[str, Replies] = {}
    for event in events:
        if isinstance(event.body, Replies):
            before = found.setdefault(event.body.call, event.body)
            if len(event.body.programs) > len(before.programs):
                found[event.body.call] = event.body
    return found


def reply_outcomes(events: Iterable[Event]) -> Iterator[tuple[str, str, str]]:
    """Of each reply whose it is, what became of it, and an example in words.

    A program is compared to the one that its prompt showed, where both were scored on the same
    instances, by what it is worth there.
    """
    listed = [*events]
    known = _Known(listed)
    for said in by_call(listed).values():
        place = known.place(said)
        what = f"replies of {said.model}" if said.model else "replies"
        shown = None if said.shown is None else known.worth.get((place, said.shown))
        details = said.details or ("",) * len(said.whys)
        for program, why, detail in zip(said.programs, said.whys, details, strict=True):
            at = place, program or ""
            if program is None:
                yield what, LOST.get(why, f"lost: {why}"), detail
            elif program == said.shown:
                yield what, "equal to what was shown", ""
            elif at in known.failed:
                yield what, f"failed: {known.failed[at][0]}", known.failed[at][1]
            else:
                yield what, _compared(known.worth.get(at), shown), ""


def by_model(events: Iterable[Event]) -> dict[str, Any]:
    """Of a run with several models what each took, what became of its replies, and its best.

    Returns: by name `{"usage", "replies": {outcome: count}, "best": {"program_id", "value"} |
        None}`, where the value is that on search of what the run improves; empty for one model.
    """
    listed = [*events]
    known = _Known(listed)
    replies: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for what, outcome, _ in reply_outcomes(listed):
        replies[what.removeprefix("replies of ")][outcome] += 1
    best: dict[str, tuple[Number, Number, str]] = {}
    for said in by_call(listed).values():
        if said.invocation in known.improving:
            place = known.place(said)
            for program in said.programs:
                worth = known.worth.get((place, program or ""))
                if worth is not None and (said.model not in best or worth > best[said.model][0]):
                    value = -worth if place[0] in known.costs else worth
                    best[said.model] = worth, value, program or ""
    return {
        name: {
            "usage": asdict(usage),
            "replies": dict(replies[name].most_common()),
            "best": {"program_id": best[name][2], "value": best[name][1]} if name in best else None,
        }
        for name, usage in spending(listed).models.items()
    }


class _Known:
    """What a run's events say of the programs of replies.

    Attributes:
        costs: tasks whose values are costs, which worths are the negatives of.
        improving: improver runs for what the run itself improves.
    """

    def __init__(self, events: Iterable[Event]) -> None:
        self.costs: set[str | None] = set()
        self.improving: set[str] = set()
        self.worth: dict[tuple[_Place, str], Number] = {}
        self.failed: dict[tuple[_Place, str], tuple[str, str]] = {}
        self._places: dict[str, _Place] = {}
        for event in events:
            match event.body:
                case Run(tasks=tasks):
                    self.costs |= {task.name for task in tasks if task.minimize}
                case Invocation() as run:
                    self._places[event.key] = (run.task, run.stream, run.repeat)
                    if run.role in ("improve", "proposal"):
                        self.improving.add(event.key)
                case Evaluation() as one:
                    at = (one.task, one.stream, one.repeat), one.program
                    if one.value is None:
                        self.failed[at] = one.outcome, one.detail
                    else:
                        self.worth[at] = -one.value if one.task in self.costs else one.value
                case MetaEvaluation() as meta:
                    self.worth[(None, meta.stream, None), meta.improver] = meta.mean

    def place(self, said: Replies) -> _Place:
        """Where the programs of a prompt's replies are scored."""
        return self._places.get(said.invocation, (None, None, None))


def _compared(value: Number | None, shown: Number | None) -> str:
    if value is None:
        return "not scored"
    if shown is None:
        return "scored"
    if value == shown:
        return "as good as what was shown"
    return f"{'better' if value > shown else 'worse'} than what was shown"

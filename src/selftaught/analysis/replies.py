"""What became of the model's replies: lost and why, or how their programs did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

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
    costs: set[str] = set()
    places: dict[str, _Place] = {}
    worth: dict[tuple[_Place, str], Number] = {}
    failed: dict[tuple[_Place, str], tuple[str, str]] = {}
    at: tuple[_Place, str]
    for event in listed:
        match event.body:
            case Run(tasks=tasks):
                costs |= {task.name for task in tasks if task.minimize}
            case Invocation() as run:
                places[event.key] = (run.task, run.stream, run.repeat)
            case Evaluation() as one:
                at = (one.task, one.stream, one.repeat), one.program
                if one.value is None:
                    failed[at] = one.outcome, one.detail
                else:
                    worth[at] = -one.value if one.task in costs else one.value
            case MetaEvaluation() as meta:
                worth[(None, meta.stream, None), meta.improver] = meta.mean
    for said in by_call(listed).values():
        place = places.get(said.invocation, (None, None, None))
        what = f"replies of {said.model}" if said.model else "replies"
        shown = None if said.shown is None else worth.get((place, said.shown))
        details = said.details or ("",) * len(said.whys)
        for program, why, detail in zip(said.programs, said.whys, details, strict=True):
            at = place, program or ""
            if program is None:
                yield what, LOST.get(why, f"lost: {why}"), detail
            elif program == said.shown:
                yield what, "equal to what was shown", ""
            elif at in failed:
                yield what, f"failed: {failed[at][0]}", failed[at][1]
            else:
                yield what, _compared(worth.get(at), shown), ""


def _compared(value: Number | None, shown: Number | None) -> str:
    if value is None:
        return "not scored"
    if shown is None:
        return "scored"
    if value == shown:
        return "as good as what was shown"
    return f"{'better' if value > shown else 'worse'} than what was shown"

"""Which program of a search came from which, what was asked, and what became of it.

All of it follows from prompts with what they showed, replies and scores; and from the note that an
improver may give to a call, which is its own word.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from selftaught.analysis.replies import by_call
from selftaught.journal.codec import Event
from selftaught.journal.events import Evaluation, Invocation, LmCall, Replies, Run, TaskVersion

# What a program is, beside the one that its prompt showed.
BECAME = ("best so far", "better", "as good", "worse", "failed")
_Origin: TypeAlias = tuple[int, int, str, str]  # number of the call, place, what it showed, note
_NOWHERE: _Origin = 0, 0, "", ""


@dataclass(frozen=True, slots=True)
class Born:
    """A program that a search scored.

    Attributes:
        parent_id: of the program that its prompt showed first; None where nothing tells.
        call: its prompt, counted from 1 in the order of asking; 0 for what no reply held.
        note: what the improver said of that call.
        value: on search; None for a failure.
        outcome: `scored`, or the kind of its failure.
        became: of BECAME, or `first`.
    """

    program_id: str
    parent_id: str | None
    call: int
    note: str
    value: float | None
    outcome: str
    became: str


@dataclass(frozen=True, slots=True)
class Descent:
    """The programs of a search in the order in which they were asked for, the seed first."""

    programs: Sequence[Born] = ()

    @property
    def best(self) -> str | None:
        """The best on search."""
        risen = [one for one in self.programs if one.became in ("first", "best so far")]
        return risen[-1].program_id if risen else None

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(one) for one in self.programs]

    def line_to(self, program_id: str | None) -> list[Born]:
        """From the first ancestor that is known to the program."""
        by_id = {one.program_id: one for one in self.programs}
        line: list[Born] = []
        while program_id in by_id:
            line.append(by_id.pop(program_id))
            program_id = line[-1].parent_id
        return line[::-1]

    def children(self) -> Mapping[str, list[Born]]:
        """Of each program, in their order; of "" those whose parent nobody scored."""
        known = {one.program_id for one in self.programs}
        found: defaultdict[str, list[Born]] = defaultdict(list)
        for one in self.programs:
            parent = one.parent_id or ""
            found[parent if parent in known else ""].append(one)
        return found

    def tree(self) -> Iterator[tuple[int, bool, Born]]:
        """All of it, each with its depth, and whether it begins a branch.

        Branches come before the line from which they part goes on: to the best program or, in a
        branch, to the child that has most descendants, if any has one.
        """
        children, weights = self.children(), Counter[str]()
        for one in reversed(self.programs):  # they come after their parents
            weights[one.parent_id or ""] += 1 + weights[one.program_id]
        main = {one.program_id: len(self.programs) for one in self.line_to(self.best)}
        weights.update(main)
        # The last is drawn next; no recursion, since lines may be long.
        waiting = [(0, True, one) for one in reversed(children[""])]
        while waiting:
            depth, begins, one = waiting.pop()
            yield depth, begins, one
            own = children[one.program_id]
            heaviest = max(own, key=lambda each: weights[each.program_id], default=one)
            goes_on = weights if depth else main
            if heaviest is not one and goes_on.get(heaviest.program_id):
                waiting.append((depth, False, heaviest))
                own = [each for each in own if each is not heaviest]
            waiting += [(depth + 1, True, each) for each in reversed(own)]


def descent(events: Iterable[Event]) -> Descent:
    """Of a run that improves a program; nothing of others."""
    listed = [*events]
    tasks: dict[str, TaskVersion] = {}
    places: dict[str, tuple[str | None, ...]] = {}  # of the improver runs that search
    calls: dict[str, tuple[int, str]] = {}
    scored: dict[str, Evaluation] = {}
    for event in listed:
        match event.body:
            case Run(tasks=versions):
                tasks = {task.name: task for task in versions}
            case Invocation(role="improve") as run:
                places[event.key] = run.task, run.stream, run.repeat
            case LmCall() as asked if asked.invocation in places:
                calls.setdefault(event.key, (len(calls) + 1, asked.note))
    for one in (event.body for event in listed):
        if isinstance(one, Evaluation) and (one.task, one.stream, one.repeat) in places.values():
            scored.setdefault(one.program, one)
    first, origins = next(iter(scored), ""), _origins(by_call(listed), calls)
    origins[first] = _NOWHERE
    born: dict[str, Born] = {}
    worth, best = {"": -math.inf}, -math.inf
    # In the order of asking, which no machine's speed changes; what no reply held comes last.
    for program in sorted(scored, key=lambda one: origins.get(one, (math.inf, 0, "", ""))):
        said, (call, _, shown, note) = scored[program], origins.get(program, _NOWHERE)
        if said.value is not None:
            worth[program] = tasks[said.task].worth(said.value)
        became = _became(worth.get(program), worth.get(shown, -math.inf), best)
        best = max(best, worth.get(program, best))
        became = "first" if program == first else became
        told = program, shown or None, call, note, said.value, said.outcome, became
        born[program] = Born(*told)
    return Descent([*born.values()])


def _origins(
    replies: Mapping[str, Replies], calls: Mapping[str, tuple[int, str]]
) -> dict[str, _Origin]:
    """Where each program came from first."""
    found: dict[str, _Origin] = {}
    for key in calls.keys() & replies.keys():
        said, (call, note) = replies[key], calls[key]
        for place, program in enumerate(said.programs):
            if program is not None and program != said.shown:
                told = call, place, said.shown or "", note
                found[program] = min(told, found.get(program, told))
    return found


def _became(worth: float | None, of_parent: float, best: float) -> str:
    if worth is None:
        return "failed"
    if worth > best:
        return "best so far"
    return "as good" if worth == of_parent else "better" if worth > of_parent else "worse"

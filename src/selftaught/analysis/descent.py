"""Which program of a search came from which, what was asked, and what became of it.

All of it follows from what the journal holds anyway: prompts with what they showed, replies,
scores; and the note that an improver may give to a call, which is the improver's own word.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from selftaught.analysis.replies import by_call
from selftaught.journal.codec import Event
from selftaught.journal.events import Evaluation, Invocation, LmCall, Replies, Run, TaskVersion

# What a program is, beside the one that its prompt showed.
BECAME = ("best so far", "better", "as good", "worse", "failed")
_ROLE = "improve"
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
        line: dict[str, Born] = {}
        while program_id in by_id and program_id not in line:
            line[program_id] = by_id[program_id]
            program_id = by_id[program_id].parent_id
        return [*line.values()][::-1]

    def children(self) -> dict[str | None, list[Born]]:
        """Of each program, in their order; of None those whose parent nobody scored."""
        known = {one.program_id for one in self.programs}
        found: defaultdict[str | None, list[Born]] = defaultdict(list)
        for one in self.programs:
            found[one.parent_id if one.parent_id in known else None].append(one)
        return found

    def tree(self, best: str | None) -> Iterator[tuple[int, bool, Born]]:
        """All of it, each with its depth, and whether it begins a branch.

        Branches come before the line from which they part goes on: to the best program or, in a
        branch, to the child that has most descendants, if any has one.
        """
        children, sizes = self.children(), self._sizes()
        main = {one.program_id for one in self.line_to(best)}

        def rank(one: Born) -> tuple[bool, int]:
            return one.program_id in main, sizes[one.program_id]

        # The last is drawn next; no recursion, since lines may be long.
        waiting = [(0, True, one) for one in reversed(children[None])]
        while waiting:
            depth, begins, one = waiting.pop()
            yield depth, begins, one
            own = children[one.program_id]
            goes_on = max(own, key=rank, default=None)
            if goes_on is not None and any(rank(goes_on)):
                waiting.append((depth, False, goes_on))
                own = [each for each in own if each is not goes_on]
            waiting += [(depth + 1, True, each) for each in reversed(own)]

    def _sizes(self) -> dict[str, int]:
        """Descendants of each."""
        sizes = {one.program_id: 0 for one in self.programs}
        for one in reversed(self.programs):  # children come after their parents
            if one.parent_id in sizes:
                sizes[one.parent_id] += 1 + sizes[one.program_id]
        return sizes


def descent(events: Iterable[Event]) -> Descent:
    """Of a run that improves a program; nothing of others."""
    listed = [*events]
    tasks: dict[str, TaskVersion] = {}
    searches: dict[str, tuple[str | None, str | None, str | None]] = {}
    calls: dict[str, tuple[int, str]] = {}
    for event in listed:
        match event.body:
            case Run(tasks=versions):
                tasks = {task.name: task for task in versions}
            case Invocation(role=role) as run if role == _ROLE:
                searches[event.key] = run.task, run.stream, run.repeat
            case LmCall() as asked if asked.invocation in searches:
                calls.setdefault(event.key, (len(calls) + 1, asked.note))
    places = set(searches.values())
    scored: dict[str, Evaluation] = {}
    for event in listed:
        one = event.body
        if isinstance(one, Evaluation) and (one.task, one.stream, one.repeat) in places:
            scored.setdefault(one.program, one)
    origins = _origins(by_call(listed), calls)
    first = next(iter(scored), "")
    # In the order of asking, which no machine's speed changes; what no reply held comes last.
    ordered = sorted(
        scored, key=lambda one: (one != first, one not in origins, origins.get(one, _NOWHERE))
    )
    born: dict[str, Born] = {}
    best = -math.inf
    for program in ordered:
        said = scored[program]
        call, _, shown, note = origins.get(program, _NOWHERE) if program != first else _NOWHERE
        worth = None if said.value is None else tasks[said.task].worth(said.value)
        parent = born.get(shown)
        of_parent = None if parent is None or parent.value is None else parent.value
        if of_parent is not None:
            of_parent = tasks[said.task].worth(of_parent)
        became = "first" if program == first else _became(worth, of_parent, best)
        best = best if worth is None else max(best, worth)
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


def _became(worth: float | None, of_parent: float | None, best: float) -> str:
    if worth is None:
        return "failed"
    if worth > best:
        return "best so far"
    if of_parent is None or worth > of_parent:
        return "better"
    return "as good" if worth == of_parent else "worse"

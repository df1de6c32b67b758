"""What became of the model's replies: read in the sandbox, journalled, told where many are lost.

The improver's guest finds the programs for itself (`selftaught_guest.helpers`); what it makes of
them is its own. This is the host's own look, by the same code in another guest, since no native
parser sees such texts in the host.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any

from selftaught.core.ports import Executor, Job
from selftaught.core.program import Program, content_id
from selftaught.engine.keys import make_key
from selftaught.engine.requests import Drawn
from selftaught.journal.events import Replies

# Providers' words for a response that ended at the output limit.
CUT = frozenset({"length", "max_tokens", "MAX_TOKENS", "max_output_tokens"})
UNREADABLE = "unreadable"

_CPU_S = 5.0
_FEWEST = 12
_DETAIL_CHARS = 400
_TO_DO = {
    "cut": "end at the output limit: give more with --max-tokens, or ask for less thinking with "
    "--reasoning-effort",
    "reasoning": "hold nothing but thoughts: ask for fewer with --reasoning-effort, or give more "
    "with --max-tokens",
    "empty": "are empty: `selftaught models MODEL --check` shows what the server sends",
    "no_program": "hold no program: `selftaught show RUN --trace` shows them",
    "elided": "have comments in place of code: a model that writes more, or a prompt that asks for "
    "the whole program, would help",
    "edits": "are edits that do not apply: a prompt that asks for the whole program would help",
    UNREADABLE: "take the parser too long, or too much memory",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the programs of replies are known.

    Attributes:
        entry: the function that they define.
        solution: what the improver was given, which prompts are about that show no program.
        restored: puts back what may not change, as before they are scored.
    """

    entry: str
    solution: str = ""
    restored: Callable[[str], str | None] = field(default=lambda source: source)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reply holds: a program, or why not (`selftaught_guest.reply.Found`)."""

    program: str | None
    why: str
    detail: str = ""


@dataclass(slots=True)
class ReplyReader:
    """Reads the replies of one run, and tells of a kind of loss that passes a third of them."""

    executor: Executor
    notice: Callable[[str], None] = field(default=lambda said: None)
    _job: Job = field(init=False)
    _counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        text = resources.files(__package__).joinpath("guest_programs", "read_replies.py")
        self._job = Job(Program(text.read_text(encoding="utf-8"), "read"))

    async def read(
        self, wanted: Wanted, message: str, texts: Sequence[str]
    ) -> tuple[str | None, list[Reading]]:
        """The program that a prompt showed, and what its replies hold."""
        args = (wanted.entry, wanted.solution, message, list(texts))
        answer = await self.executor.call(self._job, args, cpu_s=_CPU_S, seed=0)
        match answer:
            case [shown, list(found)] if len(found) == len(texts) and _is_text(shown):
                return shown, [_reading(one, wanted) for one in found]
        if len(texts) == 1:
            return None, [_LOST]
        each = [await self.read(wanted, message, [text]) for text in texts]
        return next((shown for shown, _ in each if shown), None), [one for _, (one,) in each]

    def count(self, readings: Sequence[Reading]) -> None:
        """Of these replies the ways in which they were lost."""
        self._counts["all"] += len(readings)
        self._counts.update(one.why for one in readings if one.why)
        if self._counts["all"] < _FEWEST:
            return
        for why, to_do in _TO_DO.items():
            if 3 * self._counts[why] > self._counts["all"]:
                self.notice(f"more than a third of the model's replies {to_do}")


async def read_drawn(
    reader: ReplyReader, wanted: Wanted, message: str, drawn: Drawn
) -> tuple[str | None, list[Reading]]:
    """The same of what a call has come to; what has no program and ended at the limit was cut."""
    shown, readings = await reader.read(wanted, message, drawn.in_order)
    for number, place in enumerate(sorted(drawn.texts)):
        one = readings[number]
        if one.program is None and drawn.finishes.get(place) in CUT:
            readings[number] = replace(one, why="cut")
        elif one.why == "empty" and drawn.reasoned.get(place):
            readings[number] = replace(one, why="reasoning")
    return shown, readings


_LOST = Reading(None, UNREADABLE)


def replies_key(call: str, count: int) -> str:
    """The key of what so many responses to a prompt hold."""
    return make_key(call, "replies", count)


def as_event(
    improver_run: str, call: str, shown: str | None, readings: Sequence[Reading], model: str
) -> Replies:
    """What the journal keeps; `model` where the run has several."""
    return Replies(
        invocation=improver_run,
        call=call,
        shown=None if shown is None else content_id(shown),
        programs=tuple(
            None if one.program is None else content_id(one.program) for one in readings
        ),
        whys=tuple(one.why for one in readings),
        details=tuple(one.detail for one in readings) if any(r.detail for r in readings) else (),
        model=model,
    )


def _is_text(value: Any) -> bool:
    return value is None or type(value) is str


def _reading(found: Any, wanted: Wanted) -> Reading:
    match found:
        case [program, str(why), str(detail)] if _is_text(program) and (why == "") != (
            program is None
        ):
            if program is not None:
                program = wanted.restored(program) or program
            return Reading(program, why[:_DETAIL_CHARS], detail[:_DETAIL_CHARS])
    return _LOST

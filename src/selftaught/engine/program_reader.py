"""Reading the text of programs: by a program of ours, in the sandbox.

No native parser sees a guest's text in the host, so what looks for something in programs is a guest
program itself: called with texts, it returns of each `{"signs": [[kind, line, text of the line]]}`
or `{"unreadable": why}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from selftaught.core.concurrency import together
from selftaught.core.outcome import Failed
from selftaught.core.ports import Executor, Job
from selftaught.core.program import Program

_CPU_S = 5.0
_AT_ONCE = 32
_MOST_SIGNS = 1000
_LONGEST_TEXT = 400


def guest_program(package: str, *modules: str, entry: str = "read") -> Program:
    """A guest program of ours that has several modules, as the one text that a guest loads.

    Args:
        modules: each after those that it imports; the last one holds the entry.
    """
    folder = resources.files(package)
    lines = ["import sys, types"]
    for module in modules:
        name = f"{package}.{module}"
        text = (folder / f"{module}.py").read_text(encoding="utf-8")
        lines += [
            f"module = sys.modules[{name!r}] = types.ModuleType({name!r})",
            f"exec(compile({text!r}, {f'{module}.py'!r}, 'exec'), module.__dict__)",
        ]
    return Program("\n".join([*lines, f"{entry} = module.{entry}", ""]), entry)


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that was found in a program: its kind, its line from 1, and the line's text."""

    kind: str
    line: int
    text: str

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "line": self.line, "text": self.text}


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a program came to: signs by line, or why it is unreadable."""

    signs: tuple[Sign, ...] = ()
    unreadable: str = ""


class ProgramReader:
    """Reads programs, each text once."""

    def __init__(self, executor: Executor, reading: Program) -> None:
        """`reading` is our program."""
        self._executor = executor
        self._job = Job(reading)
        self._known: dict[str, Reading] = {}

    async def read(self, *programs: Program) -> list[Reading]:
        """What is found in each. Hostile ones are unreadable at worst."""
        new = {one.id: one for one in programs if one.id not in self._known}
        listed = list(new.values())
        starts = range(0, len(listed), _AT_ONCE)
        await together(self._read(listed[start : start + _AT_ONCE]) for start in starts)
        return [self._known[one.id] for one in programs]

    async def _read(self, programs: Sequence[Program]) -> None:
        """In one guest; where one of several takes that down, or its time, each half in its own."""
        texts = [one.source for one in programs]
        answer = await self._executor.call(self._job, (texts,), cpu_s=_CPU_S, seed=0)
        if isinstance(answer, list) and len(answer) == len(programs):
            self._known |= {one.id: _read(of) for one, of in zip(programs, answer, strict=True)}
        elif len(programs) == 1:
            self._known[programs[0].id] = _read(answer)
        else:
            half = len(programs) // 2
            await self._read(programs[:half])
            await self._read(programs[half:])


def _read(answer: Any) -> Reading:
    match answer:
        case Failed():
            return Reading(unreadable=f"{answer.kind}: {answer.detail}".partition("\n")[0])
        case {"unreadable": str(why)}:
            return Reading(unreadable=why[:_LONGEST_TEXT])
        case {"signs": list(listed)} if len(listed) <= _MOST_SIGNS:
            if all(map(_is_sign, listed)):
                signs = (Sign(kind, line, text[:_LONGEST_TEXT]) for kind, line, text in listed)
                return Reading(tuple(signs))
    return Reading(unreadable="bad_output: what read it sent no list of signs")


def _is_sign(one: Any) -> bool:
    match one:
        case [str(), int(), str()]:
            return True
    return False

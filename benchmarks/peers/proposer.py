"""The prompts of each engine, read for `local:mutator`; and its programs, in the form asked for.

The mutator edits the first program of a prompt. Engines put theirs elsewhere: after the programs
that are to inspire, under a heading. So the parent is found by its heading and shown to the mutator
first, the other programs after it as donors, and nothing else; what it does to a program stays what
it is. Where SEARCH/REPLACE blocks are asked for the answer is one, where marks stand around what
may change they stay, where names and descriptions are wanted they are there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from selftaught_guest.extract import code_blocks, fenced

# Under which each engine shows the program that is to be changed.
_PARENT = re.compile(
    r"^(?:# Current Program"  # OpenEvolve
    r"|# Current program|# Incorrect Program to Fix"  # ShinkaEvolve
    r"|The component being optimized:)[ \t]*$",  # GEPA
    re.MULTILINE,
)
_PROGRAM = re.compile(r"^[ \t]*(?:async )?def \w+\(", re.MULTILINE)
_MARK = re.compile(r"^[ \t]*#[ \t]*EVOLVE-BLOCK-(?:START|END)[ \t]*$\n?", re.MULTILINE)
START, END = "# EVOLVE-BLOCK-START", "# EVOLVE-BLOCK-END"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a prompt asks.

    Attributes:
        parent: the program to change, without marks.
        donors: the other programs of the prompt, likewise.
        is_marked: whether marks stood around the parent.
        wants_edits: SEARCH/REPLACE blocks are asked for, not a whole program.
        wants_tags: with a name and a description, each in tags of its own.
    """

    parent: str
    donors: tuple[str, ...]
    is_marked: bool
    wants_edits: bool
    wants_tags: bool

    @property
    def shown(self) -> str:
        """The prompt for the mutator."""
        return "\n\n".join(f"{fence}python\n{text}\n{fence}" for fence, text in self._fenced())

    def _fenced(self) -> list[tuple[str, str]]:
        texts = [self.parent, *self.donors]
        inner = [re.findall(r"^[ \t]*(`{3,})", text, re.MULTILINE) for text in texts]
        return [
            ("`" * (1 + max(map(len, found), default=2)), text)
            for found, text in zip(inner, texts, strict=True)
        ]


def read_prompt(system: str, user: str) -> Reading | None:
    """What is asked; None where no program to change is found.

    Without a known heading it is the first program, as in prompts of our own improvers.
    """
    user = user.replace("\r\n", "\n")
    blocks = fenced(user)
    headings = [
        found.end()
        for found in _PARENT.finditer(user)
        if not any(block.start <= found.start() < block.end for block in blocks)
    ]
    after = headings[-1] if headings else 0
    parent = next((b for b in blocks if b.start >= after and _PROGRAM.search(b.code)), None)
    if parent is None:
        return None
    others = [block.code for block in blocks if block is not parent] + code_blocks(system)
    asked = f"{system}\n{user}"
    return Reading(
        parent=unmarked(parent.code),
        donors=tuple(unmarked(code) for code in others if _PROGRAM.search(code)),
        is_marked=_MARK.search(parent.code) is not None,
        wants_edits="<<<<<<< SEARCH" in asked and ">>>>>>> REPLACE" in asked,
        wants_tags="<NAME>" in asked,
    )


def in_form(reading: Reading, answer: str) -> tuple[str, str | None]:
    """The reply for the engine, and the program that it comes to; None if there is none."""
    program = next(iter(code_blocks(answer)), None)
    if program is None:
        return answer, None
    said = answer.partition("\n")[0].strip()
    if reading.wants_edits:
        code, tag = search_replace(reading.parent, program), "DIFF"
    else:
        code, tag = f"```python\n{marked(program) if reading.is_marked else program}\n```", "CODE"
    if reading.wants_tags:
        return (
            f"<NAME>\nedit\n</NAME>\n\n<DESCRIPTION>\n{said}\n</DESCRIPTION>\n\n"
            f"<{tag}>\n{code}\n</{tag}>\n"
        ), program
    return f"{said}\n\n{code}\n", program


def search_replace(old: str, new: str) -> str:
    """One SEARCH/REPLACE block around all that differs.

    It is as wide as it must be for its search to stand once in the old program, and for neither
    part to begin or end with a blank line, which engines take off.
    """
    before, after = old.split("\n"), new.split("\n")
    shorter = min(len(before), len(after))
    first = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    rest = shorter - first
    last = next((i for i in range(rest) if before[-1 - i] != after[-1 - i]), rest)
    while True:
        searched = before[first : len(before) - last]
        put = after[first : len(after) - last]
        text = "\n".join(searched)
        is_clear = has_full_edges(searched) and has_full_edges(put)
        if first == last == 0 or (is_clear and old.find(text) == old.rfind(text)):
            return "\n".join(["<<<<<<< SEARCH", *searched, "=======", *put, ">>>>>>> REPLACE"])
        first, last = max(0, first - 1), max(0, last - 1)


def has_full_edges(lines: list[str]) -> bool:
    return bool(lines) and bool(lines[0].strip()) and bool(lines[-1].strip())


def unmarked(program: str) -> str:
    return _MARK.sub("", program).strip("\n")


def marked(program: str) -> str:
    return f"{START}\n{program}\n{END}"


def normal(program: str) -> str:
    """What two texts of one program have in common: no marks, comments of a line, or blank lines.

    The mutator writes none, engines put some around what it wrote.
    """
    lines = (line.rstrip() for line in program.splitlines())
    return "\n".join(line for line in lines if line and not line.lstrip().startswith("#"))

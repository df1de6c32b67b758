"""What `from helpers import ...` finds in a guest: `extract_code` as in the reference
implementation, and edits.

Whoever runs an improver tells what it improves (`improving`), and each reply with its prompt
(`replied`), so that the program of a reply can be told from all else that is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from difflib import unified_diff
from functools import lru_cache
from itertools import islice
from typing import Any, overload

from selftaught_guest.edits import EditFailed, apply_edits
from selftaught_guest.focus import part_of
from selftaught_guest.reply import find_program
from selftaught_guest.reply_files import programs_of

__all__ = ["EditFailed", "apply_edits", "changed_lines", "extract_code", "history"]

_MOST_REPLIES = 1000
_MOST_KNOWN_CHARS = 1 << 22
_FENCE, _SAYS = "```python\n", "part of a program"
_LEAST_CUT, _MOST_FENCES = 200, 20

_entry: str | None = None
_solution = ""
_NOTHING: dict[str, Any] = {"search": None, "runs": [], "proposals": []}
_past: Mapping[str, Any] = _NOTHING
_shows_parts = False
_known: dict[str, None] = {}  # programs, the latest last
_prompts: dict[int, Sequence[str]] = {}
_programs_of = lru_cache(maxsize=32)(programs_of)


@overload
def extract_code(text_or_texts: str, program: str | None = None) -> str | None: ...
@overload
def extract_code(text_or_texts: list[str], program: str | None = None) -> list[str | None]: ...
def extract_code(
    text_or_texts: str | list[str], program: str | None = None
) -> str | list[str | None] | None:
    """The program of a reply (see `reply.find_program`), None where there is none.

    Of a list of replies: the list of their programs.

    Args:
        program: that is edited, where the prompt did not show it whole.
    """
    if isinstance(text_or_texts, str):
        shown = _shown(text_or_texts) if program is None else [program]
        found = find_program(text_or_texts, _entry, shown).program
        if found is not None:
            _know(found)
        return found
    return [extract_code(text, program) for text in text_or_texts]


def history() -> dict[str, Any]:
    """What the host tells of the improver that is improved (see the meta-utility's description); of
    anything else, and without `--history`, nothing is in it."""
    return deepcopy(dict(_past))


def changed_lines(old: str, new: str) -> str:
    """The lines that differ, as in a diff, without their places."""
    lines = [*unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0)][2:]
    return "\n".join(line for line in lines if not line.startswith("@@"))


def improving(
    solution: str,
    entry: str | None,
    past: Mapping[str, Any] | None = None,
    *,
    shows_parts: bool = False,
) -> None:
    """From now on replies are about this program.

    Args:
        entry: the function that it must define.
        past: what is told of it.
        shows_parts: whether prompts show parts of what they have no room for (`in_parts`).
    """
    global _entry, _solution, _past, _shows_parts
    _solution, _entry, _past = solution, entry, past or _NOTHING
    _shows_parts = shows_parts
    _know(solution)


def in_parts(message: str) -> str:
    """A prompt that says it shows a part of a program, and cuts it out as it comes: with what is
    about that place, no longer, as it can be read. Any other prompt as it is."""
    words, fence, rest = message.partition(_FENCE)
    if not (_shows_parts and fence and _SAYS in words):
        return message
    # A program may hold fences itself.
    cuts = [rest[: end.start()] for end in islice(re.finditer("\n```", rest), _MOST_FENCES)]
    for program in reversed(_known):
        cut = max((one for one in cuts if one in program), key=len, default="")
        if _LEAST_CUT <= len(cut) < len(program):
            place = program.find(cut) / (len(program) - len(cut))
            return words + fence + part_of(program, place, len(cut)) + rest[len(cut) :]
    return message


def _know(program: str) -> None:
    _known[program] = None
    while len(_known) > 1 and sum(map(len, _known)) > _MOST_KNOWN_CHARS:
        del _known[next(iter(_known))]


def replied(messages: Sequence[str], replies: Iterable[str]) -> None:
    """Replies to these messages, the last of which are kept in mind."""
    _prompts.update((hash(reply), messages) for reply in replies)
    while len(_prompts) > _MOST_REPLIES:
        del _prompts[next(iter(_prompts))]


def _shown(reply: str) -> list[str]:
    if _entry is None:
        return []
    messages = _prompts.get(hash(reply), ())
    shown = [program for message in messages for program in _programs_of(message, _entry)]
    return list(dict.fromkeys(shown)) or [_solution]

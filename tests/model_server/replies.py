"""What the scripted model says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from model_server.dialect import text_of
from selftaught_guest.extract import code_blocks, largest_block

Reply = Callable[[int, Mapping[str, Any], int], str]
"""Text of one sample: of the request's number, its body and the sample's index."""

# What makes a fenced block a program to improve, and no description of a utility.
_ENTRY = re.compile(r"^def (algorithm|improve_algorithm)\b", re.MULTILINE)

FIRST_PROGRAM = "def algorithm(*args):\n    return None"


def last_program(number: int, body: Mapping[str, Any], index: int) -> str:
    """The first program of the last message, and a comment that makes the reply unique."""
    program = _program_in(text_of(body["messages"][-1].get("content")) or "")
    return (
        "Here is a version of the program.\n\n"
        f"```python\n{program.rstrip()}\n# variant {number}.{index}\n```\n"
    )


@lru_cache(maxsize=64)
def _program_in(text: str) -> str:
    """Kept, as it takes longer than all else and the samples of a request have it in common."""
    programs = (block for block in code_blocks(text) if _ENTRY.search(block))
    return next(programs, None) or largest_block(text) or FIRST_PROGRAM

"""A program: its source text and the function to call in it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

SOLUTION_ENTRY = "algorithm"
IMPROVER_ENTRY = "improve_algorithm"
# What an improver hands on is hashed, journalled and sent to guests again and again.
MAX_PROGRAM_CHARS = 1 << 20
# How the program of a reply is found: 1, it is the largest block; 2, it defines the entry.
REPLY_SCHEME = 2


def content_id(text: str) -> str:
    """The content hash by which texts are stored and named: 32 hexadecimal digits of SHA-256.

    Lone surrogates are hashed as they are, so that any text a model returns has an id.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def too_long(source: str) -> str:
    """What is wrong with a text above `MAX_PROGRAM_CHARS`."""
    return f"a program of {len(source):,} characters; at most {MAX_PROGRAM_CHARS:,}"


@dataclass(frozen=True, slots=True)
class Program:
    """Source text that has not been, and never will be, run in this process.

    `entry` names the function that is called; `id` is the content hash of the source.
    """

    source: str
    entry: str = SOLUTION_ENTRY
    id: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", content_id(self.source))

"""Text that is safe to show: programs that somebody else wrote must not steer what shows them."""

from __future__ import annotations

import re

# Control characters, those that turn the direction of writing or break lines, and halves of
# characters, which no stream can encode: a program must not steer the terminal, nor look like what
# it is not, nor fail to be printed.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """The text with everything that could steer a terminal written as an escape."""
    return _UNSAFE.sub(lambda match: ascii(match.group())[1:-1], text)

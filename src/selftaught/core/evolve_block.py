"""What of a program may change: what stands between marks in its seed.

    # EVOLVE-BLOCK-START
    ...
    # EVOLVE-BLOCK-END

All else is put back before a program is scored, whatever improver or model made of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from selftaught.core.errors import ConfigError

_MARK = re.compile(r"^[ \t]*+#[ \t]*+EVOLVE-BLOCK-(?P<side>START|END)\b[^\n]*+\n?", re.MULTILINE)
LOST = (
    "the marks # EVOLVE-BLOCK-START and # EVOLVE-BLOCK-END, between which the program may change, "
    "are not where they were"
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What of a seed stays: `fixed` are the parts around its blocks, marks included."""

    fixed: tuple[str, ...]

    def restored(self, source: str) -> str | None:
        """The program with all but its blocks as it was; None where its blocks cannot be told.

        A program without any marks is one if it begins and ends as the seed with one block does.
        """
        blocks = _blocks(source) or self._unmarked(source)
        if blocks is None or len(blocks) != len(self.fixed) - 1:
            return None
        first, *rest = self.fixed
        return first + "".join(b + fixed for b, fixed in zip(blocks, rest, strict=True))

    def _unmarked(self, source: str) -> list[str] | None:
        if _MARK.search(source) is not None or len(self.fixed) != 2:
            return None
        before, after = (_lines(_MARK.sub("", part)) for part in self.fixed)
        lines = _lines(source)
        if len(lines) < len(before) + len(after) or lines[: len(before)] != before:
            return None
        end = len(lines) - len(after)
        if lines[end:] != after:
            return None
        return ["\n".join(lines[len(before) : end]).strip("\n") + "\n"]


def frame_of(seed: str) -> Frame | None:
    """What of a seed stays; None if it has no marks.

    Raises: ConfigError if marks have no other side.
    """
    if _MARK.search(seed) is None:
        return None
    blocks = _blocks(seed)
    if blocks is None:
        raise ConfigError("a seed's # EVOLVE-BLOCK-START and # EVOLVE-BLOCK-END do not alternate")
    fixed, since = [], 0
    for mark in _MARK.finditer(seed):
        if mark["side"] == "START":
            fixed.append(seed[since : mark.end()])
        since = mark.start() if mark["side"] == "END" else mark.end()
    return Frame((*fixed, seed[since:]))


def _blocks(source: str) -> list[str] | None:
    """What stands between marks; None where there are none, or they do not alternate."""
    marks = list(_MARK.finditer(source))
    sides = [mark["side"] for mark in marks]
    if not marks or len(sides) % 2 or sides != ["START", "END"] * (len(sides) // 2):
        return None
    pairs = zip(marks[::2], marks[1::2], strict=True)
    return [_ended(source[start.end() : end.start()]) for start, end in pairs]


def _ended(block: str) -> str:
    return block if not block or block.endswith("\n") else f"{block}\n"


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip("\n").split("\n")] if text.strip() else []

"""What changed from one program to another, as text: guest programs are never parsed here."""

from __future__ import annotations

import difflib

# The comparison may take cubic time in the lines, and the programs are not our own.
_MAX_LINES = 2000


def unified_diff(before: str, after: str, before_name: str, after_name: str) -> str | None:
    """A unified diff, empty for equal programs, or None for programs too long to compare."""
    old, new = before.split("\n"), after.split("\n")
    if before != after and len(old) + len(new) > _MAX_LINES:
        return None
    return "\n".join(difflib.unified_diff(old, new, before_name, after_name, lineterm=""))

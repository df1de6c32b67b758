"""What became of an attack."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """One attack in one place.

    Attributes:
        attempted: whether it came to the step that it is about. One that did not proves nothing.
        through: how it got through, or None if it was blocked.
        detail: how it ended, for people.
    """

    attempted: bool
    through: str | None
    detail: str = ""

    @property
    def blocked(self) -> bool:
        return self.attempted and self.through is None

    @property
    def word(self) -> str:
        """`got through`, `not attempted` or `blocked`."""
        if self.through is not None:
            return "got through"
        return "blocked" if self.attempted else "not attempted"

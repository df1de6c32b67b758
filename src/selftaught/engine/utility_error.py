"""The error of a user's utility."""

from __future__ import annotations

from pathlib import Path

from selftaught.core.errors import ConfigError
from selftaught.core.task import Task

# How the detail of a candidate's failure begins that the utility could not take its output for.
ON_CANDIDATE = "the utility "


class UtilityError(ConfigError):
    """A utility that raised, returned what is no score, or hangs: its author's error, named.

    Attributes:
        why: what happened.
        place: file and line.
        asked: whether the program had been called before, so that its output may be the reason.
    """

    def __init__(
        self, task: Task, why: str, *, place: tuple[Path, int] | None, asked: bool, then: str = ""
    ) -> None:
        where = "" if place is None else f" ({place[0]}:{place[1]})"
        super().__init__(f"task {task.name}: its utility {why}{where}{then}")
        self.why = why
        self.place = place
        self.asked = asked

    @property
    def short(self) -> str:
        """Without folders of this machine, for feedback."""
        where = "" if self.place is None else f" ({self.place[0].name}:{self.place[1]})"
        return f"{ON_CANDIDATE}{self.why}{where}"

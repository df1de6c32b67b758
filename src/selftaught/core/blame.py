"""Where in a user's own code something went wrong."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from pathlib import Path

from selftaught.core.own_files import is_own


class Elsewhere(Exception):
    """What a user's own code did wrong in another process.

    Attributes:
        why: as is said of a utility: "raised ...", "has not returned ...".
        place: file and line there.
        hangs: whether it did not end, which is no candidate's fault.
    """

    def __init__(
        self, why: str, fault: str, place: tuple[Path, int] | None, *, hangs: bool = False
    ) -> None:
        super().__init__(why)
        self.why, self.fault, self.place, self.hangs = why, fault, place, hangs


def own_place(
    frames: Iterable[traceback.FrameSummary], file: Path | None = None
) -> tuple[Path, int] | None:
    """File and line of the innermost frame that is the user's own; None if there is none.

    Args:
        file: one that counts as the user's own wherever it is installed.
    """
    places = [(Path(frame.filename), frame.lineno or 0) for frame in frames]
    return next((place for place in reversed(places) if _is_own(place[0], file)), None)


def _is_own(path: Path, file: Path | None) -> bool:
    return path == file or (not str(path).startswith("<frozen ") and is_own(path))


def words_of(error: BaseException) -> str:
    """What an error says, whatever it is made of."""
    try:
        said = str(error)
    except BaseException:  # noqa: BLE001 - a user's own `__str__` may raise anything
        said = "(which cannot say what it is)"
    return f"{type(error).__name__}: {said}"

"""The kinds of events that a bench alone writes; see `events`."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import ClassVar

from selftaught.journal.record import EventRecord, Number, Record


class SearchTrace(EventRecord, frozen=True):
    """What an improver run scored, and when; its key is the improver run's.

    Attributes:
        samples, usd: that each of its calls took; no `usd` where a price is not known.
        replies: keys of what the responses to its prompts hold.
        after: how many calls it had made before each scoring, in the order of its requests.
        programs: texts that it had scored; None for what is no program's text.
        stopped: uses that programs took which a race stopped, as a fraction.
        asked: texts of how the first message of each call begins, where a run tells of its past.
    """

    kind: ClassVar[str] = "search_trace"
    naming_texts = ("programs", "asked")

    samples: tuple[int, ...]
    usd: tuple[Number, ...] | None
    replies: tuple[str, ...]
    after: tuple[int, ...]
    programs: tuple[str | None, ...]
    stopped: tuple[int, int] = (0, 1)
    asked: tuple[str, ...] = ()

    @property
    def uses(self) -> int:
        """Of the utility, as its improver was told."""
        return len(self.programs) + math.ceil(Fraction(*self.stopped))


class BenchPoint(Record, frozen=True):
    """From so many samples on this program is the best by search.

    Attributes:
        samples, scorings, usd: so far; `usd` is None where a price is not known.
        search, test: what it is worth; None for a failure.
    """

    naming_texts = ("program",)

    samples: int
    scorings: int
    usd: Number | None
    program: str
    search: Number | None
    test: Number | None


class BenchArm(EventRecord, frozen=True):
    """An improver on a task, restarted until it has drawn all its samples, or scored as many
    programs as it may; its key follows from the task, the improver and the seed's index.

    Attributes:
        improver: text.
        index: of the seed.
        runs: keys of its improver runs.
        samples, scorings, usd: in all.
        edited: scorings of programs that no reply of the model held; they count for nothing.
        points: at 0 samples that of the seed program.
        bounds, seed_value: by which values are normalised, as of a `Baseline`.
    """

    kind: ClassVar[str] = "bench_arm"
    naming_texts = ("improver", "points")

    task: str
    improver: str
    index: int
    runs: tuple[str, ...]
    samples: int
    scorings: int
    usd: Number | None
    edited: int
    points: tuple[BenchPoint, ...]
    bounds: tuple[Number | None, Number | None]
    seed_value: Number | None = None

"""The kind of events that an ignition study alone writes; see `events`."""

from __future__ import annotations

from typing import ClassVar

from selftaught.journal.record import EventRecord, Number


class IgnitionChild(EventRecord, frozen=True):
    """An improver that an improver of a lineage proposed, and what it is worth on hidden instances;
    its key follows from the lineage, the improver that proposed it, and its number.

    Attributes:
        lineage: place of the run, among those that are studied.
        improver: text of the one that proposed it.
        child: its number.
        runs: keys of the improver runs, one after another, that it is the best of.
        program: text; None where none of them returned any.
        samples, scorings: that they took.
        search: what it is worth on search, by which it is the best.
        values: by task on test, normalised, one an improver run; 0 where there is no program.
        bounds, seed_values: by which values are normalised, as of a `Baseline`.
    """

    kind: ClassVar[str] = "ignition_child"
    naming_texts = ("improver", "program")

    lineage: int
    improver: str
    child: int
    runs: tuple[str, ...]
    program: str | None
    samples: int
    scorings: int
    search: Number | None
    values: dict[str, tuple[Number, ...]]
    bounds: dict[str, tuple[Number | None, Number | None]]
    seed_values: dict[str, Number | None]

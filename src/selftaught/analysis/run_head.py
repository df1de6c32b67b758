"""What a run is, and how it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from selftaught.core.budget import Usage
from selftaught.store.reader import Event

HEAD_KINDS = ("run", "run_end")
OPEN = "open"


@dataclass(frozen=True, slots=True)
class SeriesPlace:
    """The place of a run among the independent repeats of one run, which share its budget.

    Attributes:
        series_id: id of the first run.
        index: 0 for the first; its seed is that of the first and as many more.
        of: how many runs there are to be.
        usage, wall_s: what the runs before it had taken.
    """

    series_id: str
    index: int
    of: int
    usage: Usage = field(default_factory=Usage)
    wall_s: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """As the journal has it."""
        return {
            "id": self.series_id,
            "index": self.index,
            "of": self.of,
            "usage": asdict(self.usage),
            "wall_s": self.wall_s,
        }


@dataclass(frozen=True, slots=True)
class RunHead:
    """The resolved configuration of a run and its state.

    Attributes:
        command: "run" or "improve".
        started: ISO time of the first start.
        tasks: `{"name", "version", "parts"}` of each; no parts in a run of version scheme 1.
        version_scheme: what the tasks' versions cover.
        state: done, budget, interrupted, failed; or open, if it was not ended since it was last
            started: it runs now, or it was killed.
        detail: why it ended so.
        usage: as the run itself summed it up at its end; None while open.
        wall_s: wall-clock seconds; None while open.
        series: its place in a series; None for a run by itself.
        modules_told: the further modules that the description of the meta-utility names.
    """

    run_id: str
    command: str
    state: str
    detail: str
    started: str
    model: str
    tier: str
    seed: int
    version: str
    tasks: tuple[Mapping[str, Any], ...]
    config: Mapping[str, Any]
    usage: Usage | None
    wall_s: float | None
    series: SeriesPlace | None = None
    modules_told: tuple[str, ...] = ()
    version_scheme: int = 1

    @property
    def task_names(self) -> tuple[str, ...]:
        return tuple(task["name"] for task in self.tasks)

    def as_json(self) -> dict[str, Any]:
        series = None if self.series is None else self.series.as_json()
        return asdict(self) | {"tasks": [dict(task) for task in self.tasks], "series": series}


def run_head(run_id: str, events: Iterable[Event]) -> RunHead:
    """The head of a run from its events of `HEAD_KINDS`.

    Raises: LookupError if none of them is a `run`.
    """
    first: Mapping[str, Any] = {}
    end: Mapping[str, Any] = {}
    for event in events:
        if event.kind == "run":
            first = first or event.body
            end = {}
        elif event.kind == "run_end":
            end = event.body
    if not first:
        raise LookupError(f"no run {run_id!r} was ever started in this store")
    usage = end.get("usage")
    return RunHead(
        run_id=run_id,
        command=first["command"],
        state=end.get("state", OPEN),
        detail=end.get("detail") or "",
        started=first["started"],
        model=first["model"],
        tier=first["tier"],
        seed=first["seed"],
        version=first["version"],
        tasks=tuple(first["tasks"]),
        config=first["config"],
        usage=None if usage is None else Usage(**usage),
        wall_s=end.get("wall_s"),
        series=_place(first.get("series")),
        modules_told=tuple(first.get("modules_told", ())),
        version_scheme=first.get("task_version_scheme", 1),
    )


def _place(said: Mapping[str, Any] | None) -> SeriesPlace | None:
    if said is None:
        return None
    return SeriesPlace(
        said["id"], said["index"], said["of"], Usage(**said["usage"]), said["wall_s"]
    )

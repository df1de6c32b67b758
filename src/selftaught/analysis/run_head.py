"""What a run is, and how it stands."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from selftaught.core.budget import Usage
from selftaught.core.statistics import UNIT, Bounds
from selftaught.journal.codec import Event, as_json
from selftaught.journal.events import Run, RunEnd, SeriesPlace, TaskVersion
from selftaught.journal.holder import NOT_HELD, LockState
from selftaught.journal.reader import JournalReader
from selftaught.journal.run_lock import lock_state

HEAD_KINDS = (Run, RunEnd)
RUNNING, KILLED = "running", "killed"


@dataclass(frozen=True, slots=True)
class RunHead:
    """The resolved configuration of a run and its state.

    Attributes:
        start, last: what it said at its first start, and at its last.
        end: how it ended since it was last started; None if it did not.
        lock: what was seen of its lock, if it has not ended.
    """

    run_id: str
    start: Run
    last: Run
    end: RunEnd | None
    lock: LockState = NOT_HELD

    @property
    def command(self) -> str:
        return self.start.command

    @property
    def state(self) -> str:
        """Done, budget, interrupted or failed; without an end, running or killed."""
        if self.end is not None:
            return self.end.state
        return RUNNING if self.lock.is_held else KILLED

    @property
    def detail(self) -> str:
        """Why it ended so; without an end, how one knows."""
        if self.end is not None:
            return self.end.detail
        holder = self.lock.holder
        if self.lock.is_held:
            return f"in {holder or 'another process'}"
        if holder is None:
            return "no process that can be seen from here holds it"
        return f"{holder} is gone"

    @property
    def started(self) -> str:
        return self.start.started

    @property
    def model(self) -> str:
        return self.start.model

    @property
    def tier(self) -> str:
        return self.start.tier

    @property
    def seed(self) -> int:
        return self.start.seed

    @property
    def version(self) -> str:
        return self.start.version

    @property
    def tasks(self) -> tuple[TaskVersion, ...]:
        return self.start.tasks

    @property
    def task_names(self) -> tuple[str, ...]:
        return tuple(task.name for task in self.tasks)

    @property
    def config(self) -> Mapping[str, Any]:
        """That of its first start, with the budget that it was last given."""
        budget = {name: value for name, value in self.last.config.items() if name == "budget"}
        return {**self.start.config, **budget}

    @property
    def usage(self) -> Usage | None:
        """As the run itself summed it up at its end; None without one."""
        return None if self.end is None else self.end.usage

    @property
    def wall_s(self) -> float | None:
        """None without an end."""
        return None if self.end is None else self.end.wall_s

    @property
    def series(self) -> SeriesPlace | None:
        return self.start.series

    @property
    def modules_told(self) -> tuple[str, ...]:
        return self.start.modules_told

    @property
    def improver_id(self) -> str | None:
        """The improver that it began with; None in the oldest runs."""
        return self.start.improver

    @property
    def version_scheme(self) -> int:
        """What the tasks' versions cover."""
        scheme = self.start.task_version_scheme
        return 1 if scheme is None else scheme

    @property
    def unit(self) -> Bounds | None:
        """Bounds of its normalised values, as far as its intervals know of them."""
        return UNIT._replace(widens=self._widens) if self.start.bounded else None

    def bounds(self, task: TaskVersion) -> Bounds | None:
        """Those of a task's own values, whose lowest a failure is worth; of costs none."""
        if not self.start.bounded or task.lowest is None or task.minimize:
            return None
        highest = math.inf if task.highest is None else task.highest
        return Bounds(task.lowest, highest, self._widens)

    @property
    def _widens(self) -> bool:
        return self.start.interval_scheme > 1

    def as_json(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "command": self.command,
            "state": self.state,
            "detail": self.detail,
            "started": self.started,
            "model": self.model,
            "tier": self.tier,
            "seed": self.seed,
            "version": self.version,
            "tasks": [as_json(task) for task in self.tasks],
            "config": self.config,
            "usage": None if self.usage is None else asdict(self.usage),
            "wall_s": self.wall_s,
            "series": None if self.series is None else as_json(self.series),
            "modules_told": self.modules_told,
            "version_scheme": self.version_scheme,
        }


def read_head(reader: JournalReader, run_id: str) -> RunHead:
    """The head of a run as it stands now. Raises: LookupError if it was never started."""
    head = told_head(run_id, reader.events(run_id, HEAD_KINDS))
    if head.end is not None:
        return head
    lock = lock_state(reader.location, run_id)
    if not lock.is_held:  # it may have ended between our two looks
        head = told_head(run_id, reader.events(run_id, HEAD_KINDS))
    return replace(head, lock=lock)


def told_head(run_id: str, events: Iterable[Event]) -> RunHead:
    start: Run | None = None
    last: Run | None = None
    end: RunEnd | None = None
    for event in events:
        match event.body:
            case Run() as said:
                start, last, end = start or said, said, None
            case RunEnd() as said:
                end = said
    if start is None or last is None:
        raise LookupError(f"no run {run_id!r} was ever started in this store")
    return RunHead(run_id, start, last, end)

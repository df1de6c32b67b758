"""The STOP run that a configuration says."""

from __future__ import annotations

from collections.abc import Sequence

from selftaught.app.config import RunConfig
from selftaught.app.discovery import load_improver
from selftaught.core.program import Program
from selftaught.core.task import Task
from selftaught.journal.events import Run
from selftaught.studies.stop.baselines import SHIPPED
from selftaught.studies.stop.run import StopPlan


def stop_plan(
    config: RunConfig,
    tasks: Sequence[Task],
    improver: Program,
    head: Run | None = None,
) -> StopPlan:
    """Of these tasks, from this improver; `head` is what the journal says of the run."""
    return StopPlan(
        improver,
        tasks,
        config.iterations,
        config.accept,
        config.runs.resolved(len(tasks)),
        head,
        {name: load_improver(name) for name in SHIPPED} if config.with_baselines else {},
    )

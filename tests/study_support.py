"""Studies in tests: run with a context that the test has made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from journal_support import event
from selftaught.analysis.recorded_run import RecordedRun, Text, no_text
from selftaught.analysis.run_head import RunHead
from selftaught.engine.context import RunContext
from selftaught.journal.codec import Event
from selftaught.journal.events import Run
from selftaught.studies.bookkeeping import recorded_run
from selftaught.studies.registry import find_study
from selftaught.studies.settings import as_json as config_json
from selftaught.studies.study import Asked


def head_of(context: RunContext, asked: Asked[Any]) -> Run:
    """What the journal says of the run at its start."""
    told = {
        "command": asked.config.command,
        "config": config_json(asked.config.settled(len(asked.tasks))),
        "seed": context.seed,
        "model": context.model.name,
        "tier": context.executor.tier,
        "improver": asked.improver.id,
        "tasks": [
            {
                "name": one.name,
                "version": "1",
                "lowest": one.lowest if math.isfinite(one.lowest) else None,
                "minimize": one.minimize,
            }
            for one in asked.tasks
        ],
    }
    body = event("run", told).body
    assert isinstance(body, Run)
    return body


async def studied(
    context: RunContext,
    asked: Asked[Any],
    events: Sequence[Event] = (),
    text: Text = no_text,
    *,
    writes_head: bool = True,
) -> dict[str, Any]:
    """The result of a run.

    Args:
        events, text: what the journal holds already.
        writes_head: not so in a replay.
    """
    head = head_of(context, asked)
    so_far = RecordedRun(RunHead(context.run_id, head, head, None), events, text)
    study = find_study(asked.config.command)
    return await recorded_run(study, context, asked, so_far, head if writes_head else None)

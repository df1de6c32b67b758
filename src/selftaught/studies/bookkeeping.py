"""The beginning and the end of a run, whatever it studies."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from selftaught.core.budget import Usage
from selftaught.core.errors import SelfTaughtError
from selftaught.core.program import Program
from selftaught.engine.context import RunContext
from selftaught.engine.record import Recorder, usage_json
from selftaught.journal.codec import as_json
from selftaught.journal.events import Result, Run, RunEnd


class NothingMeasured(SelfTaughtError):
    """The budget was spent before there was any result (exit 3)."""


@dataclass(slots=True)
class Closing:
    """How a run ended; filled in while it goes on."""

    state: str = "failed"
    detail: str = ""
    result: dict[str, Any] = field(default_factory=dict)


@asynccontextmanager
async def recorded_run(
    context: RunContext, head: Run | None, improver: Program
) -> AsyncIterator[Closing]:
    """Journal the run's head, then, however it ends, its end; the result gets usage and time.

    Args:
        head: None for a replay, of which nothing is written.
    """
    start_s = time.monotonic() - context.history.memory.elapsed_s
    if head is not None:
        context.record(head, context.run_id, (improver.source,))
    _close_cut_requests(context)
    spent = asdict(context.ledger.spent)  # by earlier parts of the run, and of its series
    said = {} if head is None else as_json(head)
    context.tell("run_started", run_id=context.run_id, spent=spent, **said)
    closing = Closing()
    try:
        yield closing
    except BaseException as error:
        interrupted = not isinstance(error, Exception)
        closing.state = "interrupted" if interrupted else "failed"
        if isinstance(error, NothingMeasured):
            closing.state = "budget"
        closing.detail = str(error).partition("\n")[0]
        raise
    finally:
        usage = context.ledger.usage or Usage()
        wall_s = time.monotonic() - start_s
        if closing.result:
            used = usage_json(usage)
            closing.result |= {"state": closing.state, "usage": used, "wall_s": wall_s}
            context.record(Result(closing.result), context.run_id)
        end = RunEnd(closing.state, closing.detail, usage, wall_s)
        context.record(end, context.run_id)
        context.tell("run_ended", **as_json(end))
        await context.journal.flush(durable=True)


def _close_cut_requests(context: RunContext) -> None:
    """Requests that were under way when the run was cut: each may have been billed."""
    for cut in context.history.memory.open_requests:
        recorder = Recorder(context.journal, context.run_id, cut.key, cut.improver_run, paid=False)
        said = "under way when the run was cut"
        recorder.closed(cut.number, "cut", said, cut.reserved, cut.reserved.usd)

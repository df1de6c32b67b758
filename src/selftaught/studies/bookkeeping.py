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
    context: RunContext, head: dict[str, Any], improver: Program
) -> AsyncIterator[Closing]:
    """Journal the run's head, then, however it ends, its end; the result gets usage and time."""
    start_s = time.monotonic() - context.history.memory.elapsed_s
    context.record("run", context.run_id, head, (improver.source,))
    _close_cut_requests(context)
    spent = asdict(context.ledger.spent)  # by earlier parts of the run, and of its series
    context.tell("run_started", run_id=context.run_id, spent=spent, **head)
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
        usage = usage_json(context.ledger.usage or Usage())
        wall_s = time.monotonic() - start_s
        if closing.result:
            closing.result |= {"state": closing.state, "usage": usage, "wall_s": wall_s}
            context.record("result", context.run_id, closing.result)
        end = {"state": closing.state, "detail": closing.detail, "usage": usage, "wall_s": wall_s}
        context.record("run_end", context.run_id, end)
        context.tell("run_ended", **end)
        await context.journal.flush(durable=True)


def _close_cut_requests(context: RunContext) -> None:
    """Requests that were under way when the run was cut: each may have been billed."""
    for cut in context.history.memory.open_requests:
        recorder = Recorder(context.journal, context.run_id, cut.key, cut.invocation, paid=False)
        said = "under way when the run was cut"
        recorder.closed(cut.number, "cut", said, cut.reserved, cut.reserved.usd)

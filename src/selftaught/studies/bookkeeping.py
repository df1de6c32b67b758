"""The beginning and the end of a run, whatever it studies."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.core.budget import Usage
from selftaught.core.program import content_id
from selftaught.engine.account import closed_request
from selftaught.engine.context import RunContext
from selftaught.journal.codec import Body, Event, as_json
from selftaught.journal.events import ClockRead, LmAnswer, LmCall, Result, Run, RunEnd
from selftaught.journal.port import Journal
from selftaught.journal.race_events import SCORES
from selftaught.journal.record import EventRecord
from selftaught.studies.results import result_of
from selftaught.studies.study import Asked, NothingMeasured, Study

# What guests asked and were told follows no result, and there is much of it; but of several models
# what each was asked.
_NOT_KEPT = (LmCall, LmAnswer, ClockRead)


class KeptJournal:
    """A journal that keeps what a study's result follows from."""

    def __init__(
        self, study: Study[Any], journal: Journal, so_far: RecordedRun, *, several: bool
    ) -> None:
        """`so_far`: what it holds already; `several`: whether the run has several models."""
        self._not_kept = (ClockRead,) if several else _NOT_KEPT
        self._journal = journal
        self._so_far = so_far
        self._events = [
            event for event in so_far.events if not isinstance(event.body, self._not_kept)
        ]
        self._texts: dict[str, str] = {}
        # What a program is worth is not replaced where it is scored anew.
        scores: tuple[type[EventRecord], ...] = (*SCORES, *study.scores())
        self._scored = {
            (event.kind, event.key) for event in self._events if isinstance(event.body, scores)
        }

    def append(self, run_id: str, body: Body, key: str, texts: Sequence[str] = ()) -> None:
        self._journal.append(run_id, body, key, texts)
        if not isinstance(body, self._not_kept) and (body.kind, key) not in self._scored:
            self._events.append(Event(0, run_id, key, 0.0, body))
            self._texts.update((content_id(text), text) for text in texts)

    def recorded(self, end: RunEnd | None = None) -> RecordedRun:
        """The run by now, to whose events later ones are added; `end`: as it is about to end."""
        head = replace(self._so_far.head, end=end)
        return RecordedRun(head, self._events, self._text)

    def _text(self, text_id: str) -> str | None:
        return self._texts.get(text_id) or self._so_far.text(text_id)

    async def flush(self, *, durable: bool = False) -> None:
        await self._journal.flush(durable=durable)

    async def aclose(self) -> None:
        await self._journal.aclose()


async def recorded_run(
    study: Study[Any], context: RunContext, asked: Asked[Any], so_far: RecordedRun, head: Run | None
) -> dict[str, Any]:
    """Run a study, and journal the run's head and, however it ends, its end; its result.

    Args:
        so_far: what the journal holds of it; of a new run nothing but what its head will be.
    Raises: what the study raises.
    """
    start_s = time.monotonic() - context.history.memory.elapsed_s
    kept = KeptJournal(study, context.journal, so_far, several=bool(context.several))
    context.journal = kept
    if head is not None:
        context.record(head, context.run_id, (asked.improver.source,))
    _close_cut_requests(context)
    spent = asdict(context.ledger.spent)  # by earlier parts of the run, and of its series
    said = {} if head is None else as_json(head)

    def end_as(state: str, detail: str) -> RunEnd:
        wall_s = time.monotonic() - start_s
        return RunEnd(state, detail, context.ledger.usage or Usage(), wall_s)

    end = end_as("failed", "")
    try:
        at_once = context.evaluator.at_once
        context.tell("run_started", run_id=context.run_id, spent=spent, at_once=at_once, **said)
        ended = await study.run(context, asked, kept.recorded)
        end = end_as(ended.state, ended.detail)
        result = result_of(study, kept.recorded(end))
        if result is None:
            raise NothingMeasured(f"run {context.run_id} has ended, and measured nothing")
        context.record(Result(result), context.run_id)
        return result
    except BaseException as error:
        state = "failed" if isinstance(error, Exception) else "interrupted"
        if isinstance(error, NothingMeasured):
            state = "budget"
        end = end_as(state, str(error).partition("\n")[0])
        raise
    finally:
        context.record(end, context.run_id)
        context.tell("run_ended", **as_json(end))
        await context.journal.flush(durable=True)


def _close_cut_requests(context: RunContext) -> None:
    """Requests that were under way when the run was cut: each may have been billed."""
    for cut in context.history.memory.open_requests:
        usage, said = cut.reserved, "under way when the run was cut"
        body = closed_request(cut.improver_run, cut.number, "cut", usage, usage.usd, said)
        context.journal.append(context.run_id, body, cut.key)

"""A few prompts of one improver run, which may have thousands: nothing else is read whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from selftaught.analysis.trace import ImproverRunTrace, Said, Tracer
from selftaught.journal.codec import Body, Event
from selftaught.journal.events import Invocation, InvocationEnd, LmAnswer, LmCall, Replies
from selftaught.journal.reader import JournalReader
from selftaught.journal.study_events import MetaEvaluation


@dataclass(frozen=True, slots=True)
class PartOfRun:
    """Some prompts of an improver run, which may have thousands.

    Attributes:
        run: with these alone.
        first: the number of the first of them, from 1.
        calls: how many there are in all.
    """

    run: ImproverRunTrace
    first: int
    calls: int


def trace_part(
    reader: JournalReader, run_id: str, number: int, first: int | None, most: int
) -> PartOfRun:
    """Those of the improver run of a number.

    Args:
        first: from this prompt; None for the last ones.
    Raises: LookupError if there is no such improver run.
    """
    begun = dict.fromkeys(event.key for event in reader.events(run_id, (Invocation,)))
    if not 1 <= number <= len(begun):
        raise LookupError(f"run {run_id} has no improver run {number}, of {len(begun)}")
    key = [*begun][number - 1]
    asked = reader.events(run_id, (LmCall,), holding=f'"invocation":"{key}"')
    prompts = [*dict.fromkeys(event.key for event in asked)]
    start = max(0, len(prompts) - most) if first is None else max(0, first - 1)
    shown = prompts[start : start + most]
    (run,) = _PartTracer(reader, run_id, [key, *shown]).runs()
    return PartOfRun(replace(run, number=number), start + 1, len(prompts))


class _PartTracer(Tracer):
    """The same of an improver run and some of its prompts, by their keys."""

    def __init__(self, reader: JournalReader, run_id: str, keys: Sequence[str]) -> None:
        self._keys = keys
        super().__init__(reader, run_id)

    def _find_scores(self) -> Iterator[tuple[tuple[Any, ...], Said]]:
        read = self._events(Replies)
        programs = {text_id for one in read for text_id in one.body.text_ids()}
        ends = self._events(InvocationEnd)
        self._programs = programs | {text_id for one in ends for text_id in one.body.text_ids()}
        return super()._find_scores()

    def _events(self, *kinds: type[Body]) -> Iterator[Event]:
        for kind in kinds:
            if kind in (Invocation, LmCall, LmAnswer, InvocationEnd):
                yield from self._reader.events(self._run_id, kinds, keys=self._keys)
                return
            if kind is Replies:
                held = f'"invocation":"{self._keys[0]}"'
                read = self._reader.events(self._run_id, (kind,), holding=held)
                yield from (one for one in read if getattr(one.body, "call", "") in self._keys)
            elif kind is MetaEvaluation:
                yield from self._reader.events(self._run_id, (kind,))
            elif self._programs:
                yield from self._reader.events(self._run_id, (kind,), of_programs=self._programs)

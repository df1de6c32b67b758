"""From a run's events to what it need not do again."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, replace
from fractions import Fraction
from typing import cast

from selftaught.core.budget import Budget, Usage
from selftaught.core.errors import InfrastructureError
from selftaught.core.outcome import EvaluationOutcome, Failed, FailureKind, Scored
from selftaught.core.text import clean
from selftaught.engine.history import EndedRun, Memory, OpenRequest
from selftaught.engine.raised import Aside, Raises
from selftaught.journal.codec import Event
from selftaught.journal.events import (
    ClockRead,
    Diverged,
    Evaluation,
    InvocationEnd,
    LmAnswer,
    LmCall,
    ModelNotice,
    Result,
    Run,
    RunEnd,
)
from selftaught.journal.race_events import Raced

# Written again whenever a run goes on, or numbered otherwise: nothing that stands once by its key.
_NOT_BY_KEY = (Run, RunEnd, Result, LmCall, LmAnswer, ModelNotice, Diverged)


FindTexts = Callable[[Collection[str]], Mapping[str, str]]
_End = tuple[InvocationEnd, int]  # and how many evaluations stood then


def recall(
    events: Iterable[Event],
    find_texts: FindTexts,
    *,
    everything: bool = False,
    budget: Budget | None = None,
) -> Memory:
    """The memory of a run from its events, and the texts that they name.

    Args:
        everything: with the responses of finished improver runs too, which only a replay needs.
        budget: with which it is to go on; None for the one that it has.
    """
    recorded: set[tuple[str, str]] = set()
    ends: dict[str, _End] = {}
    begins_again: set[str] = set()

    def set_aside(aside: Aside) -> None:
        recorded.difference_update((one.kind, one.key) for one in aside.events)
        begins_again.update(aside.runs)
        for key in aside.runs:
            ends.pop(key, None)

    raises = Raises()
    evaluations: dict[str, EvaluationOutcome] = {}
    races: dict[str, EvaluationOutcome] = {}
    asked: dict[tuple[str, int], LmCall] = {}
    closed: dict[tuple[str, int], LmAnswer] = {}
    clocks: dict[str, float] = {}
    elapsed_s, last_s = 0.0, math.inf  # of the parts, each from its start to the last of its events
    for event in events:
        if not isinstance(event.body, Run):
            elapsed_s += max(0.0, event.at - last_s)
        last_s = event.at
        set_aside(raises.add(event))
        if not isinstance(event.body, _NOT_BY_KEY):
            recorded.add((event.kind, event.key))
        match event.body:
            case InvocationEnd() as end:
                ends[event.key] = end, len(evaluations)
            case Evaluation() as said:
                evaluations[event.key] = _outcome(said)
            case Raced() as raced:
                races[event.key] = _raced(raced)
            case LmCall() as call:
                asked[event.key, call.request] = call
            case LmAnswer() as answer:
                closed[event.key, answer.request] = answer
            case ClockRead() as told:
                clocks[event.key] = float(told.s)
    if budget is not None:
        set_aside(raises.to(asdict(budget)))
    calls_of: defaultdict[str, set[str]] = defaultdict(set)
    numbers: defaultdict[str, int] = defaultdict(int)
    for (key, number), call in asked.items():
        # One that begins again may well ask for something else.
        if call.invocation not in begins_again:
            calls_of[call.invocation].add(key)
        numbers[key] = max(numbers[key], number + 1)
    open_requests = tuple(
        OpenRequest(key, number, call.invocation, call.reserved)
        for (key, number), call in asked.items()
        if (key, number) not in closed
    )
    total = Usage()
    usage_of: defaultdict[str, Usage] = defaultdict(Usage)
    for (key, _), answer in closed.items():
        usage = answer.usage
        total += usage
        came = usage.samples if answer.state == "answered" else 0
        usage_of[key] += replace(usage, samples=came)
    for cut in open_requests:
        total += cut.reserved
        usage_of[cut.key] += replace(cut.reserved, samples=0)
    return Memory(
        recorded=frozenset(recorded),
        runs=_runs(ends, find_texts),
        evaluations=evaluations,
        races=races,
        responses=_responses(asked, closed, () if everything else ends, find_texts),
        requests=dict(numbers),
        usage_of=dict(usage_of),
        calls_of={key: frozenset(calls) for key, calls in calls_of.items()},
        clocks=clocks,
        open_requests=open_requests,
        usage=total,
        elapsed_s=elapsed_s,
    )


def _responses(
    asked: Mapping[tuple[str, int], LmCall],
    closed: Mapping[tuple[str, int], LmAnswer],
    finished: Collection[str],
    find_texts: FindTexts,
) -> dict[str, dict[int, str]]:
    """By prompt and place, of the improver runs that are not finished."""
    wanted = {
        request: answer for request, answer in closed.items() if answer.invocation not in finished
    }
    texts = _texts(find_texts, [one for answer in wanted.values() for one in answer.texts])
    found: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for (key, number), answer in wanted.items():
        call = asked[key, number]
        for offset, text_id in enumerate(answer.texts[: call.n]):
            # Older journals hold them as the provider sent them.
            found[key][call.place + offset] = clean(texts[text_id])
    return dict(found)


def _runs(ends: Mapping[str, _End], find_texts: FindTexts) -> dict[str, EndedRun]:
    programs = [end.program for end, _ in ends.values() if end.program is not None]
    texts = _texts(find_texts, programs)
    return {key: _ended(end, scored, texts) for key, (end, scored) in ends.items()}


def _texts(find_texts: FindTexts, text_ids: Iterable[str]) -> Mapping[str, str]:
    wanted = set(text_ids)
    texts = find_texts(wanted)
    missing = wanted - texts.keys()
    if missing:
        raise InfrastructureError(
            f"the journal names a text {min(missing)} that it does not hold: selftaught verify"
        )
    return texts


def _ended(end: InvocationEnd, scored: int, texts: Mapping[str, str]) -> EndedRun:
    if end.program is not None:
        return EndedRun(texts[end.program], end.usage, scored, end.short)
    kind = cast(FailureKind, end.outcome)
    return EndedRun(Failed(kind, end.detail, end.cpu_s), end.usage, scored, end.short)


def _outcome(said: Evaluation) -> EvaluationOutcome:
    if said.value is None:
        return Failed(cast(FailureKind, said.outcome), said.detail, said.cpu_s, said.printed)
    return Scored(
        value=said.value,
        feedback=said.feedback,
        per_instance=tuple(map(_number, said.per_instance)),
        metrics={name: _number(value) for name, value in said.metrics.items()},
        cpu_s=said.cpu_s,
        tier=said.tier,
        printed=said.printed,
        drew=said.drew,
    )


def _raced(said: Raced) -> EvaluationOutcome:
    """Of one that was not stopped nothing but that."""
    return Scored(
        value=_number(said.value),
        feedback=said.feedback,
        per_instance=said.per_instance,
        cpu_s=said.cpu_s,
        tier=said.tier,
        share=Fraction(said.done, said.of),
    )


def _number(value: float | None) -> float:
    """JSON has no NaN; which of those that it stands for is not kept."""
    return math.nan if value is None else value

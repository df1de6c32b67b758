"""From a run's events to what it need not do again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

from selftaught.core.budget import Usage
from selftaught.core.errors import InfrastructureError
from selftaught.core.outcome import EvaluationOutcome, Failed, FailureKind, Scored
from selftaught.core.text import clean
from selftaught.engine.memory import EndedRun, Memory, OpenRequest
from selftaught.store.reader import Event, JournalReader

# Written again whenever a run goes on, or numbered otherwise: nothing that stands once by its key.
_NOT_BY_KEY = ("run", "run_end", "result", "lm_call", "lm_answer", "model_notice", "diverged")


FindTexts = Callable[[Collection[str]], Mapping[str, str]]


def recall(reader: JournalReader, run_id: str, *, everything: bool = False) -> Memory:
    """The memory of a run.

    Args:
        everything: with the responses of finished improver runs too, which only a replay needs.
    """
    return remember(reader.events(run_id), reader.texts, everything=everything)


def remember(events: Iterable[Event], find_texts: FindTexts, *, everything: bool = False) -> Memory:
    """The memory of a run from its events, and the texts that they name."""
    return _Recall(find_texts, everything).of(events)


class _Recall:
    def __init__(self, find_texts: FindTexts, everything: bool) -> None:
        self._find_texts = find_texts
        self._everything = everything

    def of(self, events: Iterable[Event]) -> Memory:
        recorded: set[tuple[str, str]] = set()
        ends: dict[str, Mapping[str, Any]] = {}
        evaluations: dict[str, EvaluationOutcome] = {}
        asked: dict[tuple[str, int], Mapping[str, Any]] = {}
        closed: dict[tuple[str, int], Mapping[str, Any]] = {}
        clocks: dict[str, float] = {}
        spans = _Spans()
        for event in events:
            body = event.body
            spans.add(event)
            if event.kind not in _NOT_BY_KEY:
                recorded.add((event.kind, event.key))
            match event.kind:
                case "invocation_end":
                    ends[event.key] = body
                case "evaluation":
                    evaluations[event.key] = _outcome(body)
                case "lm_call":
                    asked[event.key, body["request"]] = body
                case "lm_answer":
                    closed[event.key, body["request"]] = body
                case "clock":
                    clocks[event.key] = float(body["s"])
        calls_of: defaultdict[str, set[str]] = defaultdict(set)
        numbers: defaultdict[str, int] = defaultdict(int)
        for (key, number), call in asked.items():
            calls_of[call["invocation"]].add(key)
            numbers[key] = max(numbers[key], number + 1)
        open_requests = tuple(
            OpenRequest(key, number, body["invocation"], Usage(**body["reserved"]))
            for (key, number), body in asked.items()
            if (key, number) not in closed
        )
        total = Usage()
        usage_of: defaultdict[str, Usage] = defaultdict(Usage)
        for (key, _), answer in closed.items():
            usage = Usage(**answer["usage"])
            total += usage
            came = usage.samples if answer["state"] == "answered" else 0
            usage_of[key] += replace(usage, samples=came)
        for cut in open_requests:
            total += cut.reserved
            usage_of[cut.key] += replace(cut.reserved, samples=0)
        return Memory(
            recorded=frozenset(recorded),
            runs=self._runs(ends),
            evaluations=evaluations,
            responses=self._responses(asked, closed, set() if self._everything else set(ends)),
            requests=dict(numbers),
            usage_of=dict(usage_of),
            calls_of={key: frozenset(calls) for key, calls in calls_of.items()},
            clocks=clocks,
            open_requests=open_requests,
            usage=total,
            elapsed_s=spans.elapsed_s,
        )

    def _responses(
        self,
        asked: Mapping[tuple[str, int], Mapping[str, Any]],
        closed: Mapping[tuple[str, int], Mapping[str, Any]],
        finished: Collection[str],
    ) -> dict[str, dict[int, str]]:
        """By prompt and place, of the improver runs that are not finished."""
        wanted = {
            request: body for request, body in closed.items() if body["invocation"] not in finished
        }
        texts = self._texts(text_id for body in wanted.values() for text_id in body["texts"])
        found: defaultdict[str, dict[int, str]] = defaultdict(dict)
        for (key, number), body in wanted.items():
            call = asked[key, number]
            for offset, text_id in enumerate(body["texts"][: call["n"]]):
                # Older journals hold them as the provider sent them.
                found[key][call["place"] + offset] = clean(texts[text_id])
        return dict(found)

    def _runs(self, ends: Mapping[str, Mapping[str, Any]]) -> dict[str, EndedRun]:
        programs = (body["program"] for body in ends.values())
        texts = self._texts(program for program in programs if program is not None)
        return {key: _ended(body, texts) for key, body in ends.items()}

    def _texts(self, text_ids: Iterable[str]) -> Mapping[str, str]:
        wanted = set(text_ids)
        texts = self._find_texts(wanted)
        missing = wanted - texts.keys()
        if missing:
            raise InfrastructureError(
                f"the journal names a text {min(missing)} that it does not hold: selftaught verify"
            )
        return texts


def _ended(body: Mapping[str, Any], texts: Mapping[str, str]) -> EndedRun:
    usage = Usage(**body["usage"])
    if body["program"] is not None:
        return EndedRun(texts[body["program"]], usage)
    kind = cast(FailureKind, body["outcome"])
    return EndedRun(Failed(kind, body["detail"], body["cpu_s"]), usage)


class _Spans:
    """Seconds of the parts of a run, each from its start to the last that was heard of it."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self._last: float | None = None

    def add(self, event: Event) -> None:
        if event.kind != "run" and self._last is not None:
            self.elapsed_s += max(0.0, event.at - self._last)
        self._last = event.at


def _outcome(body: Mapping[str, Any]) -> EvaluationOutcome:
    if body["kind"] != "scored":
        return Failed(cast(FailureKind, body["kind"]), body["detail"], body["cpu_s"])
    return Scored(
        value=body["value"],
        feedback=body["feedback"],
        per_instance=tuple(_number(value) for value in body["per_instance"]),
        metrics={name: _number(value) for name, value in body["metrics"].items()},
        cpu_s=body["cpu_s"],
        tier=body["tier"],
    )


def _number(value: float | None) -> float:
    """JSON has no NaN; which of those that it stands for is not kept."""
    return float("nan") if value is None else value

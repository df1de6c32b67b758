"""What must hold among the events of one run. Kinds of events that are not known are left alone."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeAlias

from msgspec import structs

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.analysis.run_head import HEAD_KINDS, told_head
from selftaught.core.budget import Usage
from selftaught.core.statistics import Bounds, close, estimate
from selftaught.engine.keys import make_key
from selftaught.engine.raised import Raises
from selftaught.journal.codec import Body, Event, as_json
from selftaught.journal.events import (
    Diverged,
    Evaluation,
    Invocation,
    InvocationEnd,
    LmAnswer,
    LmCall,
    Result,
    Run,
    RunEnd,
)
from selftaught.journal.race_events import Raced
from selftaught.journal.record import EventRecord
from selftaught.journal.study_events import MetaEvaluation
from selftaught.studies.checking import estimate_problem, key_problem
from selftaught.studies.results import differences, result_of
from selftaught.studies.study import Study

Problem: TypeAlias = tuple[int | None, str]
Studies: TypeAlias = Mapping[str, Study[Any]]

_ID = re.compile("[0-9a-f]{32}")


def run_problems(
    run_id: str,
    events: Sequence[Event],
    text: Callable[[str], str | None],
    has_text: Callable[[str], bool],
    studies: Studies,
) -> list[Problem]:
    """All that does not hold in a run."""
    problems: list[Problem] = []
    if not events or events[0].kind != "run":
        problems.append((None, "it does not begin with the event of its start"))
    heads = [event for event in events if isinstance(event.body, HEAD_KINDS)]
    study = None
    before: list[Event] = []
    last: dict[tuple[str, str], Body] = {}
    own: tuple[type[EventRecord], ...] = ()
    so_far = None
    if any(isinstance(event.body, Run) for event in heads):
        head = told_head(run_id, heads)
        study = studies.get(head.command)
        so_far = RecordedRun(head, before, text, last)
        own = () if study is None else study.events()
    past = _Past(run_id, has_text, before, own, None if so_far is None else so_far.head.unit)
    for event in events:
        try:
            problems += [(event.seq, what) for what in past.problems(event)]
            if study is not None and so_far is not None:
                problems += [(event.seq, what) for what in _own_problems(study, event, so_far)]
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            what = f"this {event.kind} cannot be checked ({error!r})"
            problems.append((event.seq, what))
        before.append(event)
        last[event.kind, event.key] = event.body
    return problems


def _own_problems(study: Study[Any], event: Event, before: RecordedRun) -> Iterator[str]:
    """What the run's study says of an event."""
    if isinstance(event.body, study.events()):
        yield from study.problems(event, before)
    if isinstance(event.body, Result):
        said = event.body.shown
        end = RunEnd(said["state"], "", Usage(**said["usage"]), said["wall_s"])
        now = RecordedRun(replace(before.head, end=end), (*before.events, event), before.text)
        found = result_of(study, now)
        if found is None:
            yield "it is a result, and its events come to none"
        else:
            yield from differences(said, found)


@dataclass(slots=True)
class _Past:
    """What a run's events have said so far, and what in the next one does not agree with it."""

    run_id: str
    has_text: Callable[[str], bool]
    events: Sequence[Event]
    own: tuple[type[EventRecord], ...] = ()
    unit: Bounds | None = None
    root: str | None = None
    invocations: set[str] = field(default_factory=set)
    diverged: set[str] = field(default_factory=set)
    asked: dict[tuple[str, int], LmCall] = field(default_factory=dict)
    used: defaultdict[str, dict[tuple[str, int], Usage]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    total: Usage = field(default_factory=Usage)
    lasting: dict[tuple[str, str], Body] = field(default_factory=dict)
    tasks: dict[tuple[str, ...], str] = field(default_factory=dict)
    scored: dict[str, Evaluation] = field(default_factory=dict)
    raises: Raises = field(default_factory=Raises)
    begins_again: set[str] = field(default_factory=set)

    def problems(self, event: Event) -> Iterator[str]:
        for text_id in event.body.text_ids():
            if _ID.fullmatch(text_id) is None:
                yield f"this {event.kind} names {text_id!r:.60}, which is no content id"
            elif not self.has_text(text_id):
                yield f"the store does not hold text {text_id}, which this {event.kind} names"
        aside = self.raises.add(event)
        self.begins_again |= aside.runs
        for one in aside.events:
            self.lasting.pop((one.kind, one.key), None)
        first = self.lasting.setdefault((event.kind, event.key), event.body)
        if first is not event.body and self._lasting(first) != self._lasting(event.body):
            yield f"this {event.kind} differs from an earlier one of its key {event.key}"
        yield from self._checked(event)

    def _checked(self, event: Event) -> Iterator[str]:
        match event.body:
            case Run() as body:
                yield from self._of_run(event)
                yield from self._run(body)
            case Invocation():
                self.invocations.add(event.key)
            case InvocationEnd() as body:
                yield from self._invocation_end(event, body)
            case Diverged():
                self.diverged.add(event.key)
            case LmCall() as body:
                self.asked[event.key, body.request] = body
                if body.invocation not in self.invocations:
                    yield f"it is of improver run {body.invocation}, which never began"
            case LmAnswer() as body:
                yield from self._lm_answer(event, body)
            case Evaluation() as body:
                yield from self._evaluation(event, body)
            case Raced() as body:
                yield from self._raced(event, body)
            case MetaEvaluation() as body:
                found = estimate(body.values, self.unit)
                yield from estimate_problem("its values", body.estimate, found)
                yield from self._key_problem(event, "meta", body.improver, body.stream)
            case Result() as body:
                yield from self._of_run(event)
                if body.shown["run_id"] != self.run_id:
                    yield f"it says that it is of run {body.shown['run_id']}"
                yield from self._total(Usage(**body.shown["usage"]))
            case RunEnd() as body:
                yield from self._of_run(event)
                yield from self._run_end(body)
                yield from self._total(body.usage)

    # --- checks of a kind -----------------------------------------------------------------------

    def _run(self, body: Run) -> Iterator[str]:
        if self.root is None:
            self.root = make_key("run", body.seed)
        series = body.series
        if series is not None and (series.index == 0) != (series.series_id == self.run_id):
            where = f"run {series.index} of series {series.series_id}"
            yield f"it is {where}, which is of its first run"

    def _invocation_end(self, event: Event, body: InvocationEnd) -> Iterator[str]:
        if event.key not in self.invocations:
            yield "it ends an improver run that never began"
        answers = sum(self.used[event.key].values(), Usage())
        # Whoever diverged, or began again, did not ask again for what was asked before a cut.
        if event.key not in self.diverged | self.begins_again:
            yield from _usage_problem("its model requests", body.usage, answers)

    def _lm_answer(self, event: Event, body: LmAnswer) -> Iterator[str]:
        request = (event.key, body.request)
        call = self.asked.get(request)
        # An improver run counts the samples that came; the ledger those that may have been billed.
        usage = body.usage
        came = usage.samples if body.state == "answered" else 0
        if request not in self.used[body.invocation]:
            self.total += usage
        self.used[body.invocation][request] = replace(usage, samples=came)
        if call is None:
            yield f"it answers request {request[1]} of {event.key}, which was never asked"
            return
        if call.invocation != body.invocation:
            yield "it is of another improver run than its request"
        samples = min(len(body.texts), call.n)
        if body.state == "answered" and usage.samples != samples:
            yield f"it counts {usage.samples} samples, and has {samples} that were asked"
        if body.cost_usd is not None and not close(body.cost_usd, usage.usd):
            yield f"it cost {body.cost_usd} USD, and counts {usage.usd}"

    def _evaluation(self, event: Event, body: Evaluation) -> Iterator[str]:
        if (body.outcome == "scored") != (body.value is not None):
            yield f"its outcome is {body.outcome}, and its value {body.value}"
        self.scored[event.key] = body
        if self.root is not None:
            yield from key_problem(self._utility_key(body), event, body.program)

    def _raced(self, event: Event, body: Raced) -> Iterator[str]:
        if not 0 < body.done <= body.of or (body.value is None) != (body.done == body.of):
            yield f"it did {body.done} of {body.of}, and its value is {body.value}"
        if self.root is not None:
            utility = self._utility_key(body)
            yield from key_problem(make_key(utility, body.program), event, "against", body.against)
            best = self.scored.get(make_key(utility, body.against))
            if best is None or best.value is None:
                yield f"it is against program {body.against}, which has no score"
            elif body.value is not None and body.per_instance:
                pairs = list(zip(body.per_instance, best.per_instance, strict=False))
                if not pairs or body.done * len(best.per_instance) != body.of * len(pairs):
                    yield f"it did {body.done} of {body.of}, and has {len(pairs)} instances"
                    return
                gain = math.fsum(one - (two or 0.0) for one, two in pairs) / len(pairs)
                if not close(best.value + gain, body.value):
                    yield f"its value is {body.value}, and by its instances {best.value + gain}"

    def _utility_key(self, body: Evaluation | Raced) -> str:
        assert self.root is not None
        asked = (body.task, body.task_version, body.stream, body.repeat)
        if asked not in self.tasks:
            self.tasks[asked] = make_key(self.root, "task", *asked)
        return self.tasks[asked]

    def _run_end(self, body: RunEnd) -> Iterator[str]:
        before = self.events[-1].body if self.events else None
        if isinstance(before, Result):
            said = as_json(body)
            for name in ("state", "usage", "wall_s"):
                if before.shown[name] != said[name]:
                    yield f"its {name} is not that of the result"

    def _total(self, said: Usage) -> Iterator[str]:
        """The run's own sums against those of its requests up to there."""
        yield from _usage_problem("the run's model requests", said, self.total)

    # --- parts of them --------------------------------------------------------------------------

    def _lasting(self, body: Body) -> Body | None:
        """What must be the same wherever its key is written again, but for measurements of time."""
        if isinstance(body, Raced):
            return structs.replace(body, unknown={}, cpu_s=0.0, tier="")
        if isinstance(body, Evaluation):
            of_time = {"cpu_s": 0.0, "tier": "", "detail": "", "feedback": "", "metrics": {}}
            return structs.replace(body, unknown={}, **of_time)
        if isinstance(body, (MetaEvaluation, self.own)):
            lasting: Body = structs.replace(body, unknown={})
            return lasting
        return None

    def _of_run(self, event: Event) -> Iterator[str]:
        if event.key != self.run_id:
            yield f"the key of this {event.kind} is not the run's id"

    def _key_problem(self, event: Event, *path: str | int) -> Iterator[str]:
        if self.root is not None:
            yield from key_problem(self.root, event, *path)


def _usage_problem(what: str, said: Usage, found: Usage) -> Iterator[str]:
    for name, amount in asdict(found).items():
        if not close(getattr(said, name), amount):
            yield f"{what} come to {amount} {name}, and it says {getattr(said, name)}"

"""What a page tells of a run at any moment, summed up event by event.

So an event costs what it says, however long the run is; what takes all events is in `parts`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from selftaught.analysis.recorded_run import STANDING_KINDS, Standing, standing
from selftaught.analysis.run_head import RunHead, told_head
from selftaught.core.budget import Budget, Usage
from selftaught.journal.codec import Event
from selftaught.journal.database import Location
from selftaught.journal.events import (
    Evaluation,
    Invocation,
    InvocationEnd,
    LmAnswer,
    LmCall,
    ModelNotice,
    Notice,
    Phase,
    Result,
    Run,
    RunEnd,
)
from selftaught.journal.race_events import Raced
from selftaught.journal.run_lock import lock_state
from selftaught.journal.study_events import Iteration, Proposal
from selftaught.studies.registry import studies

KINDS = (
    *(Run, RunEnd, Phase, Notice, ModelNotice, Result, Iteration, Proposal),
    *(Invocation, InvocationEnd, LmCall, LmAnswer, Evaluation, Raced),
)
_RATE_S = 30.0
_MOST_DOTS, _MOST_RISES, _MOST_NOTICES = 240, 300, 20


class Reached(NamedTuple):
    """A value, and what had been spent then."""

    samples: int
    usd: float
    value: float
    program: str


@dataclass(slots=True)
class OpenRun:
    """An improver run under way.

    Attributes:
        asked: its open requests to the model, by key and number: responses, and since when.
        heard: when anything was heard of it last.
    """

    number: int
    start: Invocation
    since: float
    heard: float
    asked: dict[tuple[str, int], tuple[int, float]] = field(default_factory=dict)


@dataclass(slots=True)
class Glance:
    """A run so far.

    Attributes:
        seq: of the last event that it knows.
        at, elapsed_s: when that was, and how long the run had gone on.
        rises: the best value on search each time that it rose, of a run that improves a program.
        dots: some of the programs that were scored there.
    """

    run_id: str
    seq: int = 0
    at: float = 0.0
    elapsed_s: float = 0.0
    usage: Usage = field(default_factory=Usage)
    scored: int = 0
    failed: int = 0
    improver_runs: int = 0
    open: dict[str, OpenRun] = field(default_factory=dict)
    phase: str = ""
    notices: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_NOTICES))
    steps: dict[int, tuple[Iteration, int, float]] = field(default_factory=dict)
    proposals: dict[tuple[int, int], Proposal] = field(default_factory=dict)
    rises: list[Reached] = field(default_factory=list)
    dots: list[Reached] = field(default_factory=list)
    _head: RunHead | None = None
    _heads: list[Event] = field(default_factory=list)
    _stands: list[Event] = field(default_factory=list)
    _closed: set[tuple[str, int]] = field(default_factory=set)
    _numbers: dict[str, int] = field(default_factory=dict)
    _evaluated: set[str] = field(default_factory=set)
    _recent: deque[float] = field(default_factory=deque)
    _search: int = 0

    def add(self, event: Event) -> None:
        """The next event; one that it knows is passed over."""
        if event.seq <= self.seq:
            return
        body = event.body
        if self.at and event.at > self.at and not isinstance(body, Run):
            self.elapsed_s += event.at - self.at
        self.seq, self.at = event.seq, event.at
        if isinstance(body, STANDING_KINDS):
            self._stands.append(event)
        match body:
            case Run() | RunEnd():
                self._heads.append(event)
                self._head = None
                self.open.clear()  # what was cut is begun again
            case Phase():
                self.phase = body.detail or body.name
            case Notice(detail=detail) | ModelNotice(detail=detail):
                self.notices.append(detail)
            case Iteration():
                self.steps[body.t] = body, self.usage.samples, self.usage.usd
            case Proposal():
                self.proposals[body.t, body.k] = body
            case Invocation():
                number = self._numbers.setdefault(event.key, len(self._numbers) + 1)
                self.improver_runs = len(self._numbers)
                self.open[event.key] = OpenRun(number, body, event.at, event.at)
            case InvocationEnd():
                self.open.pop(event.key, None)
            case LmCall() if body.invocation in self.open:
                run = self.open[body.invocation]
                run.asked[event.key, body.request] = body.n, event.at
                run.heard = event.at
            case LmAnswer():
                self._answered(event, body)
            case Evaluation():
                self._scored(event, body)
            case Raced():
                self._recent.append(event.at)
        while self._recent and self._recent[0] < self.at - _RATE_S:
            self._recent.popleft()

    def _answered(self, event: Event, answer: LmAnswer) -> None:
        request = event.key, answer.request
        if request not in self._closed:
            self._closed.add(request)
            self.usage += answer.usage
        if answer.invocation in self.open:
            run = self.open[answer.invocation]
            run.asked.pop(request, None)
            run.heard = event.at

    def _scored(self, event: Event, one: Evaluation) -> None:
        if event.key in self._evaluated:
            return
        self._evaluated.add(event.key)
        self._recent.append(event.at)
        self.scored += 1
        self.failed += one.value is None
        if one.value is None or one.stream != "search" or not self.improves:
            return
        reached = Reached(self.usage.samples, self.usage.usd, one.value, one.program)
        task = self.head.tasks[0]
        if not self.rises or task.worth(one.value) > task.worth(self.rises[-1].value):
            self.rises.append(reached)
            if len(self.rises) > _MOST_RISES:  # what lies long back is told less finely
                del self.rises[1 : _MOST_RISES // 2 : 2]
        self._search += 1
        if self._search % (1 + self._search // _MOST_DOTS) == 0:
            self.dots.append(reached)
            if len(self.dots) > _MOST_DOTS:
                del self.dots[::2]

    # --- what stands ------------------------------------------------------------------------------

    @property
    def head(self) -> RunHead:
        """Without a look at its lock. Raises: LookupError before its first event."""
        if self._head is None:
            self._head = told_head(self.run_id, self._heads)
        return self._head

    @property
    def improves(self) -> bool:
        """Whether it improves one program, whose values on search can be told."""
        study = studies().get(self.head.command)
        return study is not None and study.writes

    def seen_head(self, location: Location) -> RunHead:
        """With its lock, if it has not ended."""
        head = self.head
        return head if head.end else replace(head, lock=lock_state(location, self.run_id))

    @property
    def standing(self) -> Standing:
        stands = standing(self._stands)
        if stands.value is None and stands.search is None and self.rises:
            best = self.rises[-1]
            return replace(stands, search=best.value, best=stands.best or best.program)
        return stands

    @property
    def values(self) -> Sequence[float]:
        """The best so far, time and again: on val of a run with steps, else on search."""
        if self.steps:
            return [self.steps[t][0].val.mean for t in sorted(self.steps)]
        return [one.value for one in self.rises]

    @property
    def scored_a_second(self) -> float:
        """In the last half minute of the run."""
        since = max(self.at - _RATE_S, self.at - self.elapsed_s)
        recent = sum(at >= since for at in self._recent)
        return recent / max(self.at - since, 1.0)

    @property
    def spent(self) -> dict[str, float]:
        """By the names of a budget."""
        one = self.usage
        return {
            "lm_calls": one.lm_calls,
            "samples": one.samples,
            "tokens": one.tokens_in + one.tokens_out,
            "usd": one.usd,
            "wall_s": self.elapsed_s,
        }

    @property
    def budget(self) -> Budget:
        given = self.head.config.get("budget") or {}
        return Budget(**{name: value for name, value in given.items() if name in self.spent})

    def left_s(self) -> float | None:
        """Until the budget ends it at the rate so far; None without one, or nothing spent."""
        left = [
            (limit - self.spent[name]) * self.elapsed_s / self.spent[name]
            for name in self.spent
            if (limit := getattr(self.budget, name)) is not None and self.spent[name]
        ]
        return max(0.0, min(left)) if left else None

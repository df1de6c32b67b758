"""Improver runs on one task, each from the best solution so far; and what they will take."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.core.budget import Usage
from selftaught.core.concurrency import together
from selftaught.core.errors import BudgetExceeded, ConfigError, Enough
from selftaught.core.outcome import Failed
from selftaught.core.program import Program
from selftaught.core.seeds import Stream
from selftaught.core.statistics import close
from selftaught.core.task import Task
from selftaught.engine.context import RunContext
from selftaught.engine.invoke import SandboxedImprover
from selftaught.engine.utilities import TaskUtility
from selftaught.journal.events import Evaluation, Phase
from selftaught.studies.first_program import with_seed
from selftaught.studies.improve.finalists import MEASURING, SEARCHED, Plan, Scores
from selftaught.studies.improve.study import ImproveConfig
from selftaught.studies.improvers import check_starts
from selftaught.studies.rehearsals import Rehearsals, Scorings, Step
from selftaught.studies.results import STOPPED
from selftaught.studies.settings import as_json
from selftaught.studies.study import Asked, Ended, NothingMeasured

_REHEARSED_CALLS = 20
_FINISHED = "the best so far was measured, and the search can be gone on with"


async def improve_run(
    context: RunContext, asked: Asked[ImproveConfig], recorded: Callable[[], RecordedRun]
) -> Ended:
    """Improve the program of the one task, and measure the best and the seed on val and test.

    Raises: NothingMeasured if the budget ended before a response came.
    """
    try:
        task = await with_seed(context, asked.tasks[0])
    except BudgetExceeded as error:
        raise NothingMeasured(f"{error}; there is no first program: give it more") from None
    whole = asked.config.whole
    improver = SandboxedImprover(
        context, asked.improver, "improve", limits=whole, draws_all=whole is not None
    )
    u, scored = _Search(context, task, Goal.of(task, asked.config)), _Best(context, task, recorded)
    ended = Ended(STOPPED, _FINISHED) if asked.finish else Ended()
    try:
        # What is finished is not searched on; its replay searches to where the journal ends.
        if not (asked.finish and context.history.derived(True)):
            await _search(asked.config, improver, u, scored)
            if len(Scores.of(recorded()).searched) == 1:
                check_starts(asked.improver, recorded())
    except Enough as enough:
        ended = Ended("done", str(enough))
    except BudgetExceeded as error:
        if context.ledger.usage.samples == 0:
            raise NothingMeasured(f"{error}; no response came: give it more") from None
        # Without a patience, spending the budget is what was asked for.
        ended = ended if asked.finish else Ended("budget", str(error))
    await context.evaluator.aclose()  # what a search left under way would yet join it
    context.begin(Phase(MEASURING, ended.detail if ended.state == "done" else "", closing=True))
    measured: set[tuple[str, str, str]] = set()
    while (wanted := Scores.of(recorded()).known(measured).asked()) is not None:
        await together(
            _measure(context, task, wanted.stream, sets, recorded().text(program))
            for program in wanted.programs
            for sets in range(wanted.sets)
        )
        measured |= {
            (program, wanted.stream, f"{wanted.stream}-{number}")
            for program in wanted.programs
            for number in range(wanted.sets)
        }
    return ended


async def _measure(
    context: RunContext, task: Task, stream: Stream, number: int, source: str | None
) -> None:
    """On one set of instances; what is measured already is read."""
    assert source is not None  # it was scored, so the journal holds it
    u = TaskUtility(context, task, stream, f"{stream}-{number}")
    await u.outcome(Program(source, task.entry))


@dataclass(frozen=True, slots=True)
class Goal:
    """What a program is worth on search for which the search is over; `why`, in words."""

    value: float
    why: str

    @classmethod
    def of(cls, task: Task, config: ImproveConfig) -> Goal | None:
        """What is asked for, or else what cannot be beaten, as far as is known.

        None where nothing is known, and for runs of older versions, which went on.
        """
        if config.target is not None:
            value, what = config.target, "the target"
        elif config.repeats is not None:
            return None
        elif task.best_known is not None:
            value, what = task.best_known, "the best known"
        elif task.minimize:
            value, what = task.range[0], "the lowest there is"
        else:
            value, what = task.range[1], "the highest there is"
        if not math.isfinite(value):
            return None
        reaches = "costs at most" if task.minimize else "scores at least"
        return cls(task.worth(value), f"a program {reaches} {value:g} on search, {what}")

    def is_reached(self, value: float) -> bool:
        """Of what a program is worth."""
        return value >= self.value or close(value, self.value)


class _Search(TaskUtility):
    """The task's utility on search, which tells of the best that it has scored, and lets nothing
    more be asked for once that is good enough."""

    def __init__(self, context: RunContext, task: Task, goal: Goal | None) -> None:
        super().__init__(context, task, "search", SEARCHED)
        self._best_value = task.lowest
        self._goal = goal

    def check(self, value: float) -> None:
        """Raises: Enough if a program of this value is good enough."""
        if self._goal is not None and self._goal.is_reached(value):
            raise Enough(self._goal.why)

    async def query(self, program: Program) -> tuple[float, str]:
        value, feedback = await super().query(program)
        if value > self._best_value:
            self._best_value = value
            task = self._question.task
            self._context.tell("best", value=task.worth(value), task=task.name)
            if self._goal is not None and self._goal.is_reached(value):
                self._context.ledger.end(Enough(self._goal.why))
        return value, feedback


class _Best:
    """The best on search at the end of each improver run, of equals the one scored first.

    It follows from what the journal held then, not from what was asked since this process began:
    improver runs that are read from the journal ask nothing.
    """

    def __init__(
        self, context: RunContext, task: Task, recorded: Callable[[], RecordedRun]
    ) -> None:
        self.seed = task.seed_program()
        self._task = task
        self._ended = context.history.memory.runs
        self._recorded = recorded
        self._read = 0
        self._keys: set[str] = set()
        self._best = [(self.seed.id, task.lowest)]  # by the number of evaluations

    def at_end_of(self, improver_run: str) -> tuple[Program, float]:
        """The program and what it is worth."""
        run = self._recorded()
        by_now = len(run.events)
        for event in run.events[self._read : by_now]:
            if isinstance(event.body, Evaluation) and event.key not in self._keys:
                self._keys.add(event.key)
                self._best.append(self._better(event.body))
        self._read = by_now
        ended = self._ended.get(improver_run)
        program, value = self._best[-1 if ended is None else ended.scored]
        source = run.text(program)
        assert source is not None  # it was scored, so the journal holds it
        return Program(source, self.seed.entry), value

    def _better(self, one: Evaluation) -> tuple[str, float]:
        best = self._best[-1]
        if (one.stream, one.repeat) != ("search", SEARCHED) or one.value is None:
            return best
        worth = self._task.worth(one.value)
        return (one.program, worth) if worth > best[1] else best


async def _search(
    config: ImproveConfig, improver: SandboxedImprover, u: _Search, scored: _Best
) -> None:
    """Raises: BudgetExceeded; Enough once a program is good enough."""
    patience = config.patience
    best = scored.seed
    best_value = await u(best)
    in_vain = 0
    u.check(best_value)
    while True:
        before = best_value
        key = improver.next_key(u, best)
        result, usage = await improver.run(u, best, key)
        best, best_value = scored.at_end_of(key)
        if not isinstance(result, Failed) and (value := await u(result)) > best_value:
            best, best_value = result, value
        u.check(best_value)
        if improver.draws_all and SEARCHED in improver.context.short:
            raise improver.context.ledger.spent_most()
        in_vain = 0 if best_value > before else in_vain + 1
        # An improver that asks the model nothing would never spend a budget.
        idle = usage.lm_calls == 0
        enough = patience is not None and in_vain >= patience
        once = patience is None and not config.is_budgeted
        if once or enough or idle:
            return


async def improve_steps(rehearsals: Rehearsals, asked: Asked[ImproveConfig]) -> list[Step]:
    """The first program where the model writes it, the search, and what is measured after it.

    Raises: ConfigError where nothing bounds the search.
    """
    (task,), config = asked.tasks, as_json(asked.config)
    seed, limits, whole = task.seed_program(), rehearsals.limits, asked.config.whole
    if whole is not None:  # its beginning tells of the rest
        limits = replace(whole, calls=min(whole.calls, _REHEARSED_CALLS))
    each, scored = await rehearsals.rehearse(asked.improver, seed, task.described(), limits=limits)
    runs = _runs(asked.config, each)
    begun = math.ceil(runs)
    calls = math.ceil(runs * limits.calls) if whole else begun * limits.calls
    uses = calls * limits.samples_per_call + 1 if whole else begun * limits.utility_uses
    counts = (min(1 + math.ceil(runs * scored), 1 + uses), 1 + uses)
    seconds = await rehearsals.scoring_s(task)
    name = "search" if whole or begun == 1 else f"search, {begun:,} improver runs"
    most = replace(rehearsals.most_sample * (calls * limits.samples_per_call), lm_calls=calls)
    steps = [Step(name, _times(each, runs), most, Scorings(*counts, seconds))]
    if task.seed is None:
        steps.insert(0, Step("first program", *await rehearsals.first_program(task)))
    few, many = (Plan.of(config, count) for count in counts)
    measured = {
        "val": ((few.finalists + 1) * few.sets, (many.finalists + 1) * many.sets),
        "test": (2 * few.sets, 2 * many.sets),
    }
    return steps + [
        Step(f"measuring on {stream}", Usage(), Usage(), Scorings(*programs, seconds))
        for stream, programs in measured.items()
    ]


def _runs(config: ImproveConfig, each: Usage) -> float:
    """Improver runs for which the budget is enough, if each takes so much.

    Raises: ConfigError where nothing bounds them.
    """
    if config.patience is None and not config.is_budgeted:
        return 1.0
    took = asdict(each) | {"tokens": each.tokens_in + each.tokens_out}
    limits = asdict(config.budget).items()
    # A time, and a price that is not known, are no bound that can be told beforehand.
    fitting: list[float] = [
        limit / took[name] for name, limit in limits if limit and took.get(name, 0) > 0
    ]
    if not fitting:
        raise ConfigError(
            "nothing bounds what the search asks of the model: give --lm-calls, --samples, "
            "--tokens or, where the price is known, --usd"
        )
    least = 0.0 if config.whole else 1.0  # one that begins again is begun at least
    return max(least, min(fitting))


def _times(each: Usage, runs: float) -> Usage:
    counts = {name: amount * runs for name, amount in asdict(each).items()}
    usd = counts.pop("usd")
    return Usage(**{name: math.ceil(amount) for name, amount in counts.items()}, usd=usd)

"""`selftaught improve`: improver runs on one task, each from the best solution so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from selftaught.core.concurrency import together
from selftaught.core.errors import BudgetExceeded
from selftaught.core.outcome import EvaluationOutcome, Failed, Scored
from selftaught.core.program import Program
from selftaught.core.seeds import Stream
from selftaught.core.statistics import estimate
from selftaught.core.task import Task
from selftaught.engine.context import RunContext
from selftaught.engine.invoke import SandboxedImprover
from selftaught.engine.utilities import TaskUtility
from selftaught.journal.events import Phase, Run
from selftaught.studies.bookkeeping import Closing, NothingMeasured, recorded_run
from selftaught.studies.first_program import with_seed
from selftaught.studies.improve.finalists import Finalist, Shortlist, Values, confirmed


@dataclass(frozen=True, slots=True)
class ImprovePlan:
    """What an improve run does.

    Attributes:
        improver: the improver's program; it does not change.
        task: what is improved.
        until_budget: go on until the budget is spent.
        patience: stop after so many improver runs in a row that found nothing better, or None.
        repeats: sets of instances on which seed and best are measured at the end.
        head: what the journal says of the run at its start.
    """

    improver: Program
    task: Task
    until_budget: bool
    patience: int | None
    repeats: int
    head: Run | None = None


async def improve_run(context: RunContext, plan: ImprovePlan) -> dict[str, Any]:
    """Improve one program; the object of `improve --json`."""
    async with recorded_run(context, plan.head, plan.improver) as closing:
        await _Study(context, plan, closing).run()
    return closing.result


class _Search(TaskUtility):
    """The task's utility on search, which remembers the best programs that it has scored."""

    def __init__(self, context: RunContext, task: Task) -> None:
        super().__init__(context, task, "search", "improve")
        self.best = task.seed_program()
        self.best_value = task.lowest
        self.shortlist = Shortlist()

    async def query(self, program: Program) -> tuple[float, str]:
        value, feedback = await super().query(program)
        self.shortlist.add(value, program)
        if value > self.best_value:
            self.best, self.best_value = program, value
            self._context.tell("best", value=value, task=self._question.task.name)
        return value, feedback


class _Study:
    def __init__(self, context: RunContext, plan: ImprovePlan, closing: Closing) -> None:
        self._context = context
        self._plan = plan
        self._closing = closing

    async def run(self) -> None:
        try:
            task = await with_seed(self._context, self._plan.task)
        except BudgetExceeded as error:
            raise NothingMeasured(f"{error}; there is no first program: give it more") from None
        u = _Search(self._context, task)
        seed = task.seed_program()
        seed_search = (await u.query(seed))[0]
        try:
            await self._search(u)
            self._closing.state = "done"
        except BudgetExceeded as error:
            if self._context.ledger.usage.samples == 0:
                raise NothingMeasured(f"{error}; no response came: give it more") from None
            # Without a patience, spending the budget is what was asked for.
            self._closing.state = "budget"
            self._closing.detail = str(error)
        self._context.begin(Phase("measuring", closing=True))
        await self._report(task, (seed_search, seed), u.shortlist.ranked())

    async def _search(self, u: _Search) -> None:
        improver = SandboxedImprover(self._context, self._plan.improver, "improve")
        in_vain = 0
        while True:
            before = u.best_value
            result, usage = await improver.run(u, u.best)
            if not isinstance(result, Failed):
                await u.query(result)
            in_vain = 0 if u.best_value > before else in_vain + 1
            # An improver that asks the model nothing would never spend a budget.
            idle = usage.lm_calls == 0
            enough = self._plan.patience is not None and in_vain >= self._plan.patience
            once = self._plan.patience is None and not self._plan.until_budget
            if once or enough or idle:
                return

    async def _report(
        self, task: Task, seed: tuple[float, Program], listed: list[tuple[float, Program]]
    ) -> None:
        """The best by val of those that are best on search, and the seed, on test."""
        if all(program.id != seed[1].id for _, program in listed):
            listed = [*listed, seed]

        async def on_val(program: Program) -> Values:
            return _values(task, await self._measure(task, program, "val"))

        finalists = await confirmed(listed, on_val)
        best = finalists[0]
        of_seed = next(one for one in finalists if one.program.id == seed[1].id)
        seed_test, best_test = await together(
            self._measure(task, one.program, "test") for one in (of_seed, best)
        )
        self._closing.result = {
            "run_id": self._context.run_id,
            "state": self._closing.state,
            "model": self._context.model.name,
            "sandbox_tier": self._context.executor.tier,
            "task": task.name,
            "seed": _measured_json(task, of_seed, seed_test),
            "best": _measured_json(task, best, best_test),
            "finalists": [one.as_json() for one in finalists],
            "usage": {},
            "wall_s": 0.0,
        }

    async def _measure(
        self, task: Task, program: Program, stream: Stream
    ) -> list[EvaluationOutcome]:
        """On each set of instances of the stream."""
        return await together(
            TaskUtility(self._context, task, stream, f"{stream}-{repeat}").outcome(program)
            for repeat in range(self._plan.repeats)
        )


def _values(task: Task, outcomes: Sequence[EvaluationOutcome]) -> Values:
    """In the task's own units; a failure is the lowest value."""
    return tuple(one.value if isinstance(one, Scored) else task.lowest for one in outcomes)


def _measured_json(
    task: Task, one: Finalist, tested: Sequence[EvaluationOutcome]
) -> dict[str, Any]:
    scored = [outcome for outcome in tested if isinstance(outcome, Scored)]
    names = sorted({name for outcome in scored for name in outcome.metrics})
    return {
        "val": one.val.as_json(),
        "test": estimate({task.name: _values(task, tested)}).as_json(),
        "metrics": {name: _mean(scored, name) for name in names},
        "program_id": one.program.id,
        "source": one.program.source,
    }


def _mean(scored: Sequence[Scored], name: str) -> float | None:
    """Of a metric, over the sets of instances of test where it was measured."""
    values = [outcome.metrics[name] for outcome in scored if name in outcome.metrics]
    mean = math.fsum(values) / len(values)
    return mean if math.isfinite(mean) else None  # JSON has no NaN and no infinities

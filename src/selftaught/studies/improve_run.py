"""`selftaught improve`: improver runs on one task, each from the best solution so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from selftaught.core.concurrency import together
from selftaught.core.errors import BudgetExceeded
from selftaught.core.outcome import Failed
from selftaught.core.program import Program
from selftaught.core.seeds import Stream
from selftaught.core.statistics import Estimate, estimate
from selftaught.core.task import Task
from selftaught.engine.context import RunContext
from selftaught.engine.invoke import SandboxedImprover
from selftaught.engine.utilities import TaskUtility
from selftaught.studies.bookkeeping import Closing, NothingMeasured, recorded_run


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
    head: dict[str, Any] = field(default_factory=dict)


async def improve_run(context: RunContext, plan: ImprovePlan) -> dict[str, Any]:
    """Improve one program; the object of `improve --json`."""
    async with recorded_run(context, plan.head, plan.improver) as closing:
        await _Study(context, plan, closing).run()
    return closing.result


class _Search(TaskUtility):
    """The task's utility on search, which remembers the best program that it has scored."""

    def __init__(self, context: RunContext, task: Task) -> None:
        super().__init__(context, task, "search", "improve")
        self.best = task.seed_program()
        self.best_value = task.lowest

    async def query(self, program: Program) -> tuple[float, str]:
        value, feedback = await super().query(program)
        if value > self.best_value:
            self.best, self.best_value = program, value
            self._context.tell("best", value=value, task=self._question.task.name)
        return value, feedback


class _Study:
    def __init__(self, context: RunContext, plan: ImprovePlan, closing: Closing) -> None:
        self._context = context
        self._plan = plan
        self._closing = closing
        self._u = _Search(context, plan.task)

    async def run(self) -> None:
        seed = self._plan.task.seed_program()
        await self._u.query(seed)
        try:
            await self._search()
            self._closing.state = "done"
        except BudgetExceeded as error:
            if self._context.ledger.usage.samples == 0:
                raise NothingMeasured(f"{error}; no response came: give it more") from None
            # Without a patience, spending the budget is what was asked for.
            self._closing.state = "budget"
            self._closing.detail = str(error)
        self._context.tell("phase", name="measuring")
        best = self._u.best
        seed_val, seed_test, best_val, best_test = await together(
            self._measure(program, stream) for program in (seed, best) for stream in ("val", "test")
        )
        self._closing.result = {
            "run_id": self._context.run_id,
            "state": self._closing.state,
            "model": self._context.model.name,
            "sandbox_tier": self._context.executor.tier,
            "task": self._plan.task.name,
            "seed": {"val": seed_val.as_json(), "test": seed_test.as_json()},
            "best": {
                "val": best_val.as_json(),
                "test": best_test.as_json(),
                "program_id": best.id,
                "source": best.source,
            },
            "usage": {},
            "wall_s": 0.0,
        }

    async def _search(self) -> None:
        improver = SandboxedImprover(self._context, self._plan.improver, "improve")
        in_vain = 0
        while True:
            before = self._u.best_value
            result, usage = await improver.run(self._u, self._u.best)
            if not isinstance(result, Failed):
                await self._u.query(result)
            in_vain = 0 if self._u.best_value > before else in_vain + 1
            # An improver that asks the model nothing would never spend a budget.
            idle = usage.lm_calls == 0
            enough = self._plan.patience is not None and in_vain >= self._plan.patience
            once = self._plan.patience is None and not self._plan.until_budget
            if once or enough or idle:
                return

    async def _measure(self, program: Program, stream: Stream) -> Estimate:
        """Mean over sets of instances, in the task's own units; a failure is the lowest value."""
        values = await together(
            TaskUtility(self._context, self._plan.task, stream, f"{stream}-{repeat}")(program)
            for repeat in range(self._plan.repeats)
        )
        return estimate({self._plan.task.name: values})

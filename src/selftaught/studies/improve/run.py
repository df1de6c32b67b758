"""Improver runs on one task, each from the best solution so far."""

from __future__ import annotations

from collections.abc import Callable

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.core.concurrency import together
from selftaught.core.errors import BudgetExceeded
from selftaught.core.outcome import Failed
from selftaught.core.program import Program
from selftaught.core.seeds import Stream
from selftaught.core.task import Task
from selftaught.engine.context import RunContext
from selftaught.engine.invoke import SandboxedImprover
from selftaught.engine.utilities import TaskUtility
from selftaught.journal.events import Phase
from selftaught.studies.first_program import with_seed
from selftaught.studies.improve.finalists import SEARCHED, Scores
from selftaught.studies.improve.study import ImproveConfig
from selftaught.studies.study import Asked, Ended, NothingMeasured


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
    u = _Search(context, task)
    await u.query(task.seed_program())
    try:
        await _search(context, asked, u)
        ended = Ended()
    except BudgetExceeded as error:
        if context.ledger.usage.samples == 0:
            raise NothingMeasured(f"{error}; no response came: give it more") from None
        # Without a patience, spending the budget is what was asked for.
        ended = Ended("budget", str(error))
    context.begin(Phase("measuring", closing=True))

    async def measure(program_id: str, stream: Stream) -> None:
        """On each set of instances of the stream."""
        source = recorded().text(program_id)
        assert source is not None  # it was scored, so the journal holds it
        program = Program(source, task.entry)
        await together(
            TaskUtility(context, task, stream, f"{stream}-{repeat}").outcome(program)
            for repeat in range(asked.config.repeats)
        )

    listed = Scores.of(recorded().events, task.lowest).shortlist()
    await together(measure(program, "val") for program in listed)
    best = Scores.of(recorded().events, task.lowest).finalists()[0].program
    await together(
        measure(program, "test") for program in dict.fromkeys((task.seed_program().id, best))
    )
    return ended


class _Search(TaskUtility):
    """The task's utility on search, which remembers the best that it has scored."""

    def __init__(self, context: RunContext, task: Task) -> None:
        super().__init__(context, task, "search", SEARCHED)
        self.best = task.seed_program()
        self.best_value = task.lowest

    async def query(self, program: Program) -> tuple[float, str]:
        value, feedback = await super().query(program)
        if value > self.best_value:
            self.best, self.best_value = program, value
            self._context.tell("best", value=value, task=self._question.task.name)
        return value, feedback


async def _search(context: RunContext, asked: Asked[ImproveConfig], u: _Search) -> None:
    """Raises: BudgetExceeded."""
    improver = SandboxedImprover(context, asked.improver, "improve")
    patience = asked.config.patience
    in_vain = 0
    while True:
        before = u.best_value
        result, usage = await improver.run(u, u.best)
        if not isinstance(result, Failed):
            await u.query(result)
        in_vain = 0 if u.best_value > before else in_vain + 1
        # An improver that asks the model nothing would never spend a budget.
        idle = usage.lm_calls == 0
        enough = patience is not None and in_vain >= patience
        once = patience is None and not asked.config.is_budgeted
        if once or enough or idle:
            return

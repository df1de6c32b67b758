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
from selftaught.journal.events import Evaluation, Phase
from selftaught.studies.first_program import with_seed
from selftaught.studies.improve.finalists import SEARCHED, Scores
from selftaught.studies.improve.study import ImproveConfig
from selftaught.studies.improvers import check_starts
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
    improver = SandboxedImprover(context, asked.improver, "improve")
    u, scored = _Search(context, task), _Best(context, task, recorded)
    try:
        await _search(asked.config, improver, u, scored)
        if len(Scores.of(recorded().events, task.lowest).searched) == 1:
            check_starts(asked.improver, recorded())
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
    best = Scores.of(recorded().events, task.lowest).finalists()[0]
    await together(
        measure(program, "test") for program in dict.fromkeys((task.seed_program().id, best))
    )
    return ended


class _Search(TaskUtility):
    """The task's utility on search, which tells of the best that it has scored."""

    def __init__(self, context: RunContext, task: Task) -> None:
        super().__init__(context, task, "search", SEARCHED)
        self._best_value = task.lowest

    async def query(self, program: Program) -> tuple[float, str]:
        value, feedback = await super().query(program)
        if value > self._best_value:
            self._best_value = value
            self._context.tell("best", value=value, task=self._question.task.name)
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
        self._ended = context.history.memory.runs
        self._recorded = recorded
        self._read = 0
        self._keys: set[str] = set()
        self._best = [(self.seed.id, task.lowest)]  # by the number of evaluations

    def at_end_of(self, improver_run: str) -> tuple[Program, float]:
        """The program and its value."""
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
        return (one.program, one.value) if one.value > best[1] else best


async def _search(
    config: ImproveConfig, improver: SandboxedImprover, u: _Search, scored: _Best
) -> None:
    """Raises: BudgetExceeded."""
    patience = config.patience
    best = scored.seed
    best_value = await u(best)
    in_vain = 0
    while True:
        before = best_value
        key = improver.next_key(u, best)
        result, usage = await improver.run(u, best, key)
        best, best_value = scored.at_end_of(key)
        if not isinstance(result, Failed) and (value := await u(result)) > best_value:
            best, best_value = result, value
        in_vain = 0 if best_value > before else in_vain + 1
        # An improver that asks the model nothing would never spend a budget.
        idle = usage.lm_calls == 0
        enough = patience is not None and in_vain >= patience
        once = patience is None and not config.is_budgeted
        if once or enough or idle:
            return

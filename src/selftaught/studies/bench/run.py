"""The arms of a bench, one for each task, improver and seed.

All improvers search on the same instances of a seed, and their best programs are judged on the same
others: so they are paired. Seed by seed, so that a budget that ends leaves whole seeds behind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.core.budget import ImproverLimits
from selftaught.core.concurrency import together
from selftaught.core.errors import BudgetExceeded
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.core.task import Task
from selftaught.engine.context import RunContext
from selftaught.engine.keys import make_key
from selftaught.engine.utilities import TaskUtility
from selftaught.journal.bench_events import BenchArm, BenchPoint
from selftaught.journal.codec import Body
from selftaught.journal.events import Phase
from selftaught.studies.bench.arms import arm_of, programs_of, repeat_of, scored
from selftaught.studies.bench.study import BenchConfig
from selftaught.studies.first_program import with_seed, with_seed_value
from selftaught.studies.improvers import check_starts
from selftaught.studies.restarts import run_equally
from selftaught.studies.study import Asked, Ended, NothingMeasured


async def bench(
    context: RunContext, asked: Asked[BenchConfig], recorded: Callable[[], RecordedRun]
) -> Ended:
    """Measure seed by seed.

    Raises: NothingMeasured if the budget ended before the first seed was measured.
    """
    return await _Bench(context, asked, recorded).run()


class _Bench:
    def __init__(
        self,
        context: RunContext,
        asked: Asked[BenchConfig],
        recorded: Callable[[], RecordedRun],
    ) -> None:
        self._context = context
        self._tasks = asked.tasks
        sources = asked.config.programs
        names = asked.config.improvers
        self._improvers = [Program(sources[name], IMPROVER_ENTRY) for name in names]
        self._seeds = range(asked.config.seeds)
        self._most = max(asked.config.samples)
        self._recorded = recorded
        self._read = 0
        self._last: dict[tuple[str, str], Body] = {}

    async def run(self) -> Ended:
        measured = 0
        try:
            seeded = [await with_seed(self._context, task, self._most) for task in self._tasks]
            tasks = [await with_seed_value(self._context, task) for task in seeded]
            for index in self._seeds:
                name = f"seed {index + 1} of {len(self._seeds)}"
                self._context.begin(Phase(name, f"measuring {name}"))
                await together(
                    self._measure(task, improver, index)
                    for task in tasks
                    for improver in self._improvers
                )
                measured += 1
                for improver in self._improvers if index == 0 else ():
                    check_starts(improver, self._recorded())
        except BudgetExceeded as error:
            if not measured:
                raise NothingMeasured(f"{error}; no seed was measured: give it more") from None
            return Ended("budget", str(error))
        return Ended()

    async def _measure(self, task: Task, improver: Program, index: int) -> None:
        u, judge = (
            TaskUtility(self._context, task, stream, repeat_of(index))
            for stream in ("search", "test")
        )
        s = task.seed_program()
        await u.outcome(s)
        arm = BenchArm(
            task=task.name,
            improver=improver.id,
            index=index,
            runs=tuple(await self._search(u, s, improver)),
            samples=0,
            scorings=0,
            usd=None,
            edited=0,
            points=(BenchPoint(0, 0, None, s.id, None, None),),
            bounds=task.scale.ends,
            seed_value=task.seed_value,
        )
        so_far = self._so_far()
        for one in sorted(programs_of(so_far, arm)):
            if scored(so_far, arm, "search", one) is None:  # asked for, and not waited for
                await u.outcome(self._program(one, task))
        best = arm_of(self._so_far(), arm).points
        await together(judge.outcome(self._program(one.program, task)) for one in best)
        key = make_key(self._context.root, BenchArm.kind, task.name, improver.id, index)
        self._context.record(arm_of(self._so_far(), arm), key, (improver.source,))

    async def _search(self, u: TaskUtility, s: Program, improver: Program) -> list[str]:
        """Keys of the improver runs, one after another, each with what those before it left."""

        def limits_of(samples: int, uses: int) -> ImproverLimits:
            # As many calls as samples, so that one that asks for one at a time has as many.
            return replace(self._context.limits, calls=samples, utility_uses=uses)

        given = (self._context, improver, u, s, self._most, limits_of, self._so_far)
        return [key for key, _ in await run_equally(*given, is_traced=True)]

    def _program(self, text_id: str, task: Task) -> Program:
        source = self._recorded().text(text_id)
        assert source is not None  # it was to be scored, so the journal holds it
        return Program(source, task.entry)

    def _so_far(self) -> RecordedRun:
        """The run by now, with the last of its events by their keys."""
        run = self._recorded()
        for event in run.events[self._read :]:
            self._last[event.kind, event.key] = event.body
        self._read = len(run.events)
        return replace(run, lasting=self._last)

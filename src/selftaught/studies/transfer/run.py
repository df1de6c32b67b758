"""`selftaught transfer`: what an improved improver is worth on tasks that took no part.

As in Zelikman et al. 2024 (arXiv 2310.02304), Table 1: the seed program, what the seed improver
makes of it, and what the improved improver makes of it. Paired: in each run both improvers search
on the same instances, and what they return is judged on the same others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.core.budget import Usage
from selftaught.core.concurrency import together
from selftaught.core.errors import BudgetExceeded
from selftaught.core.outcome import Failed
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.core.seeds import Stream
from selftaught.core.task import Task
from selftaught.engine.context import RunContext
from selftaught.engine.describe import describe_task
from selftaught.engine.invoke import SandboxedImprover
from selftaught.engine.keys import make_key
from selftaught.engine.utilities import TaskUtility
from selftaught.journal.events import Phase
from selftaught.journal.study_events import Transfer, TransferRestart
from selftaught.studies.first_program import with_seed
from selftaught.studies.rehearsals import Rehearsals, Step
from selftaught.studies.restarts import restarted
from selftaught.studies.study import Asked, Ended, NothingMeasured
from selftaught.studies.transfer.study import TransferConfig


async def transfer_steps(rehearsals: Rehearsals, asked: Asked[TransferConfig]) -> list[Step]:
    """Both improvers on each task, and then the restarts."""
    improved_improver = Program(asked.config.improved, IMPROVER_ENTRY)
    runs = asked.config.runs.test
    steps, restarts = [], Usage()
    for task in asked.tasks:
        described = describe_task(task, rehearsals.modules)
        seed, improved = [
            (await rehearsals.rehearse(improver, task.seed_program(), described))[0]
            for improver in (asked.improver, improved_improver)
        ]
        first, most_first = await rehearsals.first_program(task)
        likely = (seed + improved) * runs + first
        most = rehearsals.most_run * (2 * runs) + most_first
        steps.append(Step(task.name, likely, most))
        again = await rehearsals.restarted(asked.improver, task, improved.samples)
        restarts = restarts + again * runs
    most = rehearsals.most_restarted * (runs * len(asked.tasks))
    return [*steps, Step("restarts", restarts, most)]


async def transfer(
    context: RunContext, asked: Asked[TransferConfig], _: Callable[[], RecordedRun]
) -> Ended:
    """Measure each task in turn.

    Raises: NothingMeasured if the budget ended before the first task was measured.
    """
    return await _Study(context, asked).run()


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of one run.

    Attributes:
        program: id of what is judged; None if the improver run returned nothing to run.
        value: on test; None if it failed there.
    """

    program: str | None
    value: float | None
    samples: int = 0


Outcomes: TypeAlias = Sequence[_Outcome]


Arms: TypeAlias = Mapping[str, Outcomes]  # what is compared, by the names of the result


class _Study:
    def __init__(self, context: RunContext, asked: Asked[TransferConfig]) -> None:
        self._context = context
        self._tasks = asked.tasks
        self._seed_improver = asked.improver
        self._improved = Program(asked.config.improved, IMPROVER_ENTRY)
        self._runs = range(asked.config.runs.test)
        self._measured: list[tuple[Task, Arms]] = []

    async def run(self) -> Ended:
        try:
            await self._measure_all()
            await self._restart_all()
        except BudgetExceeded as error:
            if not self._measured:
                raise NothingMeasured(f"{error}; no task was measured: give it more") from None
            return Ended("budget", str(error))
        return Ended()

    async def _measure_all(self) -> None:
        """Task by task, so that a budget that ends leaves whole tasks behind."""
        for number, task in enumerate(self._tasks, 1):
            name = f"{task.name} ({number} of {len(self._tasks)})"
            self._context.begin(Phase(name, f"measuring {name}"))
            seeded = await with_seed(self._context, task)
            arms = await self._measure(seeded)
            self._measured.append((seeded, arms))
            self._record(Transfer, seeded, arms)

    async def _measure(self, task: Task) -> Arms:
        seed_program, seed, improved = await together(
            (
                self._of_seed_program(task),
                self._of_improver(task, self._seed_improver),
                self._of_improver(task, self._improved),
            )
        )
        return {"seed_program": seed_program, "seed_improver": seed, "improved_improver": improved}

    async def _of_seed_program(self, task: Task) -> list[_Outcome]:
        s = task.seed_program()
        return await together(self._judged(task, run, s) for run in self._runs)

    async def _of_improver(self, task: Task, improver: Program) -> list[_Outcome]:
        return await together(self._improve(task, improver, run) for run in self._runs)

    async def _improve(self, task: Task, improver: Program, run: int) -> _Outcome:
        u = self._u(task, "search", run)
        s = task.seed_program()
        result, usage = await SandboxedImprover(self._context, improver, "inner").run(u, s)
        program = None if isinstance(result, Failed) else result
        return await self._judged(task, run, program, usage.samples)

    async def _judged(
        self, task: Task, run: int, program: Program | None, samples: int = 0
    ) -> _Outcome:
        if program is None:
            return _Outcome(None, None, samples)
        outcome = await self._u(task, "test", run).outcome(program)
        return _Outcome(program.id, outcome.value, samples)

    def _u(self, task: Task, stream: Stream, run: int) -> TaskUtility:
        """On the instances of a run, which are no other study's."""
        return TaskUtility(self._context, task, stream, f"transfer-{run}")

    # --- the seed improver at equal samples -----------------------------------------------------

    async def _restart_all(self) -> None:
        """After all tasks: a budget that ends here leaves the comparison itself whole."""
        for task, arms in self._measured:
            detail = f"restarting the seed improver on {task.name}"
            self._context.begin(Phase("restarts", detail))
            outcomes = await together(
                self._restart(task, run, arms["improved_improver"][run].samples)
                for run in self._runs
            )
            self._record(TransferRestart, task, {"seed_restarted": outcomes})

    async def _restart(self, task: Task, run: int, samples: int) -> _Outcome:
        """The best by search of so many runs of the seed improver as the samples allow."""
        u, s = self._u(task, "search", run), task.seed_program()
        best, drawn = await restarted(self._context, self._seed_improver, u, s, samples)
        return await self._judged(task, run, best, drawn)

    # --- what is written ------------------------------------------------------------------------

    def _record(self, kind: type[Transfer | TransferRestart], task: Task, arms: Arms) -> None:
        improvers = {
            "seed_improver": self._seed_improver.id,
            "improved_improver": self._improved.id,
            "seed_restarted": self._seed_improver.id,
        }
        body = kind(
            task=task.name,
            lowest=task.lowest if math.isfinite(task.lowest) else None,
            improvers={name: improvers[name] for name in arms if name in improvers},
            programs={name: tuple(one.program for one in ones) for name, ones in arms.items()},
            values={name: tuple(one.value for one in ones) for name, ones in arms.items()},
            samples={name: tuple(one.samples for one in ones) for name, ones in arms.items()},
        )
        self._context.record(body, make_key(self._context.root, kind.kind, task.name))

"""Baselines: other improvers at as many samples as the final improver drew.

More samples alone make any improver better. So each baseline is restarted in the same improver
runs on test, until it has drawn as many samples as the final improver really drew there, and the
best by search counts. In the paper (Zelikman et al. 2024, arXiv 2310.02304) chain of thought and
the greedy iterative improver reach 57.7 ± 3.0 % and 64.2 ± 0.9 % on parity with noise with GPT-4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from selftaught.core.budget import Usage
from selftaught.core.concurrency import together
from selftaught.core.program import Program
from selftaught.core.statistics import estimate
from selftaught.core.task import Task
from selftaught.engine.context import RunContext
from selftaught.engine.keys import make_key
from selftaught.engine.utilities import DownstreamTask
from selftaught.journal import study_events
from selftaught.studies.restarts import restarted

SHIPPED = ("chain_of_thought", "greedy", "best_of_n")


@dataclass(frozen=True, slots=True)
class _Restarted:
    """One improver run's place: what the restarts drew, the best of them, and what it is worth."""

    samples: int
    best: str | None
    value: float


class Baselines:
    """Measures improvers against the final improver of a run."""

    def __init__(self, context: RunContext, tasks: Sequence[Task], runs: int) -> None:
        """`runs` on test a task, in each of which the final improver will have run."""
        self._context = context
        self._tasks = tasks
        self._downstream = [DownstreamTask(context, task) for task in tasks]
        self._runs = range(runs)
        self._measured: dict[str, Mapping[str, Sequence[_Restarted]]] = {}

    def taken(self, improver: Program) -> Usage:
        """What an improver has taken of the model in all runs on test."""
        return sum((self._drawn(improver, task, run) for task, run in self._pairs()), Usage())

    def samples(self, improver: Program) -> dict[str, tuple[int, ...]]:
        """Responses that an improver has drawn, by task and run on test."""
        return {
            task.name: tuple(self._drawn(improver, task, run).samples for run in self._runs)
            for task in self._downstream
        }

    async def measure(self, name: str, improver: Program, final: Program) -> None:
        """Restart the improver to the samples of the final one; the journal has it by the name.

        Raises: BudgetExceeded.
        """
        if improver.id not in self._measured:  # once, whatever its names
            self._measured[improver.id] = await self._measure(improver, final)
        self._record(name, improver, self._measured[improver.id], final)

    def _drawn(self, improver: Program, task: DownstreamTask, run: int) -> Usage:
        key = task.searched("test", run).key
        return self._context.drawn.get((improver.id, key), Usage())

    def _pairs(self) -> list[tuple[DownstreamTask, int]]:
        return [(task, run) for task in self._downstream for run in self._runs]

    async def _measure(self, improver: Program, final: Program) -> dict[str, list[_Restarted]]:
        """By task, one for each improver run on test."""
        pairs = self._pairs()
        outcomes = await together(
            self._restart(improver, task, run, self._drawn(final, task, run).samples)
            for task, run in pairs
        )
        by_task: dict[str, list[_Restarted]] = {task.name: [] for task in self._downstream}
        for (task, _), one in zip(pairs, outcomes, strict=True):
            by_task[task.name].append(one)
        return by_task

    async def _restart(
        self, improver: Program, task: DownstreamTask, run: int, samples: int
    ) -> _Restarted:
        """The best by search of so many runs of the improver as the samples allow, 1 at least."""
        u = task.searched("test", run)
        best, drawn = await restarted(self._context, improver, u, task.s, samples)
        if best is None:
            return _Restarted(drawn, None, 0.0)
        return _Restarted(drawn, best.id, await task.judged("test", run)(best))

    def _record(
        self,
        name: str,
        improver: Program,
        measured: Mapping[str, Sequence[_Restarted]],
        final: Program,
    ) -> None:
        values = {task: tuple(one.value for one in ones) for task, ones in measured.items()}
        found = estimate(values, self._context.bounds)
        body = study_events.Baseline(
            name=name,
            improver=improver.id,
            final=final.id,
            mean=found.mean,
            ci95=found.ci95,
            n=found.n,
            values=values,
            programs={task: tuple(one.best for one in ones) for task, ones in measured.items()},
            samples={task: tuple(one.samples for one in ones) for task, ones in measured.items()},
            final_samples=self.samples(final),
            **scales(self._tasks),
        )
        key = make_key(self._context.root, "baseline", name)
        self._context.record(body, key, (improver.source,))


class Scales(TypedDict):
    """How the values of an event were normalised, by task."""

    bounds: dict[str, tuple[float | None, float | None]]
    seed_values: dict[str, float | None]


def scales(tasks: Sequence[Task]) -> Scales:
    return {
        "bounds": {task.name: task.scale.ends for task in tasks},
        "seed_values": {task.name: task.seed_value for task in tasks if not task.scale.is_bounded},
    }

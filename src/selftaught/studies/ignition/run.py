"""The measuring of `selftaught ignition`: children of early, middle and late improvers.

Lineage by lineage, so that a budget that ends leaves whole ones behind. In each the same numbers of
children of all improvers search on the same instances, and all children are measured on the same
hidden ones; no other lineage has any of them, so that lineages are independent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.core.budget import ImproverLimits
from selftaught.core.concurrency import together
from selftaught.core.errors import BudgetExceeded
from selftaught.core.outcome import Failed
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.core.seeds import Stream
from selftaught.core.task import Task
from selftaught.engine.context import RunContext
from selftaught.engine.describe import describe_meta_utility
from selftaught.engine.invoke import builder
from selftaught.engine.keys import make_key
from selftaught.engine.meta_query import MetaQuery
from selftaught.engine.utilities import CachedMetaUtility, DownstreamTask
from selftaught.journal.events import InvocationEnd, Phase
from selftaught.journal.ignition_events import IgnitionChild
from selftaught.meta_utility import Improver, MetaScore
from selftaught.studies.first_program import with_seed, with_seed_value
from selftaught.studies.ignition.study import IgnitionConfig
from selftaught.studies.restarts import run_equally
from selftaught.studies.stop.baselines import scales
from selftaught.studies.study import Asked, Ended, NothingMeasured


async def ignition(
    context: RunContext, asked: Asked[IgnitionConfig], recorded: Callable[[], RecordedRun]
) -> Ended:
    """Measure lineage by lineage.

    Raises: NothingMeasured if the budget ended before the first one was measured.
    """
    config, measured = asked.config, 0
    try:
        tasks = await together(with_seed(context, task) for task in asked.tasks)
        tasks = await together(with_seed_value(context, task) for task in tasks)
        study = _Ignition(context, replace(asked, tasks=tasks), recorded)
        for place, lineage in enumerate(config.lineages):
            name = f"lineage {place + 1} of {len(config.lineages)}"
            context.begin(Phase(name, f"children of {lineage.name}, {name}"))
            await study.measure_all(place, lineage.improvers)
            measured += 1
    except BudgetExceeded as error:
        if not measured:
            raise NothingMeasured(f"{error}; no lineage was measured: give it more") from None
        return Ended("budget", str(error))
    return Ended()


def search_names(lineage: int, child: int, runs: int) -> list[str]:
    """Of the runs in which a child's meta-utility is found."""
    return [f"ignition-{lineage}-{child}-{run}" for run in range(runs)]


def hidden_names(lineage: int, runs: int) -> list[str]:
    """Of the runs in which all children of a lineage are measured."""
    return [f"ignition-{lineage}-{run}" for run in range(runs)]


class _OwnMeta(CachedMetaUtility):
    """The meta-utility on search instances of its own; the child that it chose says what it was."""

    def __init__(self, context: RunContext, tasks: Sequence[Task], names: Sequence[str]) -> None:
        downstream = [DownstreamTask(context, task) for task in tasks]
        super().__init__(context, downstream, {}, builder(context, "inner"))
        self._names = names
        self._bounds = context.bounds

    async def _score_anew(self, improver: Improver, stream: Stream) -> MetaScore:
        score = await self.score_in(self.build(improver.program), stream, self._names)
        return replace(score, bounds=self._bounds)


class _Ignition:
    def __init__(
        self,
        context: RunContext,
        asked: Asked[IgnitionConfig],
        recorded: Callable[[], RecordedRun],
    ) -> None:
        self._context, self._recorded = context, recorded
        self._config, self._tasks = asked.config, asked.tasks
        self._incumbent = asked.improver
        self._took_part = [one for one in asked.tasks if one.name in asked.config.took_part]
        self._description = describe_meta_utility(
            self._took_part,
            {"search": asked.config.search_runs},
            *(context.limits, context.modules, context.reply_scheme),
            models=context.several,
        )

    async def measure_all(self, lineage: int, improvers: Sequence[str]) -> None:
        """Children of these. A program is measured once on the same instances, whoever made it: so
        nothing depends on who is first."""
        context, config = self._context, self._config
        hidden = _OwnMeta(context, self._tasks, hidden_names(lineage, config.runs.test))
        searched = [
            _OwnMeta(context, self._took_part, search_names(lineage, child, config.search_runs))
            for child in range(config.children)
        ]
        try:
            await together(
                self._measure(lineage, improver, child, u_meta, hidden)
                for improver in improvers
                for child, u_meta in enumerate(searched)
            )
        finally:
            for one in (hidden, *searched):
                await one.aclose()

    async def _measure(
        self, lineage: int, improver_id: str, child: int, u_meta: _OwnMeta, hidden: _OwnMeta
    ) -> None:
        context, config = self._context, self._config
        improver = Program(config.programs[improver_id], IMPROVER_ENTRY)
        name = f"ignition-{lineage}-{child}"
        u = MetaQuery(context, u_meta, self._description, name=name)
        made = await run_equally(
            *(context, improver, u, self._incumbent, config.child_samples),
            self._limits,
            self._recorded,
        )
        returned = [one for _, one in made if not isinstance(one, Failed)]
        values = [await u(one) for one in returned]  # in turn: most are known
        best = max(values, default=None)
        program = None if best is None else returned[values.index(best)]
        ends = [self._recorded().last(InvocationEnd, key) for key, _ in made]
        body = IgnitionChild(
            lineage=lineage,
            improver=improver_id,
            child=child,
            runs=tuple(key for key, _ in made),
            program=None if program is None else program.id,
            samples=sum(end.usage.samples for end in ends if end is not None),
            scorings=sum(end.utility_uses for end in ends if end is not None),
            search=best,
            values=await self._hidden(hidden, program),
            **scales(self._tasks),
        )
        key = make_key(context.root, body.kind, lineage, improver_id, child)
        texts = (improver.source, *(() if program is None else (program.source,)))
        context.record(body, key, texts)

    def _limits(self, samples: int, uses: int) -> ImproverLimits:
        limits = self._context.limits
        return replace(limits, utility_uses=min(uses, limits.utility_uses))

    async def _hidden(
        self, u_meta: _OwnMeta, program: Program | None
    ) -> dict[str, tuple[float, ...]]:
        if program is None:
            return {task.name: (0.0,) * self._config.runs.test for task in self._tasks}
        improver = u_meta.build(Program(program.source, IMPROVER_ENTRY))
        return dict((await u_meta.score(improver, "test")).values)

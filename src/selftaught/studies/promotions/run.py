"""The measuring of `selftaught audit promotions`: each adopted proposal beside its parent.

Each comparison has instances of its own, its parent's arm included, so that one that was lucky or
unlucky is so in one comparison alone.
"""

from __future__ import annotations

from collections.abc import Callable

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.core.budget import Usage
from selftaught.core.concurrency import together
from selftaught.core.errors import BudgetExceeded
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.engine.context import RunContext
from selftaught.engine.describe import describe_task
from selftaught.engine.invoke import builder
from selftaught.engine.keys import make_key, of_step
from selftaught.engine.utilities import CachedMetaUtility, DownstreamTask
from selftaught.journal.events import Phase
from selftaught.journal.study_events import Promotion
from selftaught.studies.first_program import with_seed, with_seed_value
from selftaught.studies.promotions.study import PromotionsConfig
from selftaught.studies.rehearsals import Rehearsals, Step
from selftaught.studies.stop.baselines import scales
from selftaught.studies.study import Asked, Ended, NothingMeasured


async def promotions_steps(rehearsals: Rehearsals, asked: Asked[PromotionsConfig]) -> list[Step]:
    """A step a promotion."""
    config, tasks = asked.config, asked.tasks
    taken: dict[str, Usage] = {}
    for program_id, source in config.programs.items():
        improver = Program(source, IMPROVER_ENTRY)
        each = [
            await rehearsals.rehearse(
                improver, task.seed_program(), describe_task(task, rehearsals.modules)
            )
            for task in tasks
        ]
        taken[program_id] = sum((usage for usage, _ in each), Usage()) * config.pairs
    most = rehearsals.most_run * (2 * config.pairs * len(tasks))
    return [
        Step(f"{one.run_id}, t = {one.t}", taken[one.improver] + taken[one.parent], most)
        for one in config.adopted
    ]


async def promotions(
    context: RunContext, asked: Asked[PromotionsConfig], _: Callable[[], RecordedRun]
) -> Ended:
    """Measure each promotion in turn, so that a budget that ends leaves whole ones behind.

    Raises: NothingMeasured if the budget ended before the first one was measured.
    """
    config, measured = asked.config, 0
    try:
        tasks = await together(with_seed(context, task) for task in asked.tasks)
        tasks = await together(with_seed_value(context, task) for task in tasks)
        downstream = [DownstreamTask(context, task) for task in tasks]
        build = builder(context, "inner")
        u_meta = CachedMetaUtility(context, downstream, {}, build)
        for place, one in enumerate(config.adopted):
            name = f"promotion {place + 1} of {len(config.adopted)}"
            context.begin(Phase(name, f"measuring {name}"))
            new, old = (
                build(Program(config.programs[program_id], IMPROVER_ENTRY))
                for program_id in (one.improver, one.parent)
            )
            rounds = range(config.pairs)
            pairs = await u_meta.pairs(new, old, "test", arm_name(place), rounds)
            body = Promotion(
                run_id=one.run_id,
                t=one.t,
                k=one.k,
                improver=one.improver,
                parent=one.parent,
                values={task: tuple(ones) for task, ones in pairs.items()},
                **scales(tasks),
            )
            texts = (new.program.source, old.program.source)
            context.record(
                body, make_key(context.root, body.kind, one.run_id, *of_step(one.t, one.k)), texts
            )
            measured += 1
    except BudgetExceeded as error:
        if not measured:
            raise NothingMeasured(f"{error}; nothing was measured: give it more") from None
        return Ended("budget", str(error))
    return Ended()


def arm_name(place: int) -> str:
    """Of the instances of a comparison."""
    return f"promotion-{place}"

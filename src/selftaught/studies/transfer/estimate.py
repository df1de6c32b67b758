"""What a transfer study will take of the model; see `rehearsals`."""

from __future__ import annotations

from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.engine.describe import describe_task
from selftaught.studies.rehearsals import Amount, Rehearsals, Step
from selftaught.studies.study import Asked
from selftaught.studies.transfer.study import TransferConfig


async def transfer_steps(rehearsals: Rehearsals, asked: Asked[TransferConfig]) -> list[Step]:
    """Both improvers on each task, and then the restarts."""
    improved_improver = Program(asked.config.improved, IMPROVER_ENTRY)
    runs = asked.config.runs.test
    steps, restarts = [], Amount()
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

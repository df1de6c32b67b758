"""What a transfer study will take of the model, at most and likely, before a cent is spent."""

from __future__ import annotations

from typing import Any

from selftaught.core.budget import Budget
from selftaught.core.language_model import LanguageModel
from selftaught.studies.estimate import Amount, MakeContext, Rehearsals, Step, summed
from selftaught.studies.transfer.run import TransferPlan


async def estimate_transfer(
    make_context: MakeContext, model: LanguageModel, plan: TransferPlan, budget: Budget
) -> dict[str, Any]:
    """The object of `transfer --estimate --json`; arguments as those of `estimate_stop`."""
    return summed(await transfer_steps(make_context, model, plan), model, budget)


async def transfer_steps(
    make_context: MakeContext, model: LanguageModel, plan: TransferPlan
) -> list[Step]:
    """Both improvers on each task, and then the restarts."""
    rehearsals = Rehearsals(make_context, model)
    steps, restarts = [], Amount()
    for task in plan.tasks:
        seed, improved = [
            (await rehearsals.rehearse(improver, task.seed_program(), task.described()))[0]
            for improver in (plan.seed_improver, plan.improved_improver)
        ]
        first, most_first = await rehearsals.first_program(task)
        likely = (seed + improved) * plan.runs + first
        most = rehearsals.most_run * (2 * plan.runs) + most_first
        steps.append(Step(task.name, likely, most))
        again = await rehearsals.restarted(plan.seed_improver, task, improved.samples)
        restarts = restarts + again * plan.runs
    most = rehearsals.most_restarted * (plan.runs * len(plan.tasks))
    return [*steps, Step("restarts", restarts, most)]

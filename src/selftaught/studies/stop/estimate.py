"""What a STOP run will take of the model; see `rehearsals`."""

from __future__ import annotations

from selftaught.engine.describe import describe_meta_utility, describe_task
from selftaught.studies.improvers import load_improver
from selftaught.studies.rehearsals import Amount, Rehearsals, Step
from selftaught.studies.stop.baselines import SHIPPED
from selftaught.studies.stop.study import RunConfig
from selftaught.studies.study import Asked


async def stop_steps(rehearsals: Rehearsals, asked: Asked[RunConfig]) -> list[Step]:
    """Each step of the run, in order; baselines are rehearsed, too."""
    tasks, seed, limits = asked.tasks, asked.improver, rehearsals.limits
    runs = asked.config.runs.resolved(len(tasks))
    drawn: list[Amount] = []  # in one run on each task
    for task in tasks:
        described = describe_task(task, rehearsals.modules)
        taken, _ = await rehearsals.rehearse(seed, task.seed_program(), described)
        drawn.append(taken)
    inner = sum(drawn, Amount())
    description = describe_meta_utility(tasks, runs, limits, rehearsals.modules)
    outer, scored = await rehearsals.rehearse(seed, seed, description, depth=0)
    most_outer = rehearsals.most_run
    most_inner = most_outer * len(tasks)
    judged = runs["val"] + runs["test"]
    steps = [Step("t = 0", inner * judged, most_inner * judged)]
    first = [await rehearsals.first_program(task) for task in tasks]
    if any(task.seed is None for task in tasks):
        likely, most = (sum(amounts, Amount()) for amounts in zip(*first, strict=True))
        steps.insert(0, Step("first programs", likely, most))
    for t in range(1, asked.config.iterations + 1):
        likely = outer + inner * (scored * runs["search"] + judged)
        most = most_outer + most_inner * (limits.utility_uses * runs["search"] + judged)
        steps.append(Step(f"t = {t}", likely, most))
    restarted = rehearsals.most_restarted * (len(tasks) * runs["test"])
    steps.append(Step("comparison", inner * runs["test"], restarted))
    for name in SHIPPED if asked.config.with_baselines else ():
        likely = Amount()
        for task, taken in zip(tasks, drawn, strict=True):
            likely = likely + await rehearsals.restarted(load_improver(name), task, taken.samples)
        steps.append(Step(name, likely * runs["test"], restarted))
    return steps

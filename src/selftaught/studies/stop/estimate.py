"""What a STOP run will take of the model; see `rehearsals`."""

from __future__ import annotations

from collections.abc import Mapping

from selftaught.core.budget import ImproverLimits
from selftaught.core.seeds import Stream
from selftaught.engine.describe import describe_meta_utility
from selftaught.studies.improvers import load_improver
from selftaught.studies.rehearsals import Amount, Rehearsals, Step
from selftaught.studies.stop.baselines import SHIPPED
from selftaught.studies.stop.study import RunConfig
from selftaught.studies.study import Asked


def most_runs(limits: ImproverLimits, tasks: int, runs: Mapping[Stream, int]) -> int:
    """Improver runs of one step at most: its proposal's, those that this asks for, and those that
    measure on val and test what stands after it."""
    return 1 + tasks * (limits.utility_uses * runs["search"] + runs["val"] + runs["test"])


async def stop_steps(rehearsals: Rehearsals, asked: Asked[RunConfig]) -> list[Step]:
    """Each step of the run, in order; baselines are rehearsed, too."""
    tasks, seed, limits = asked.tasks, asked.improver, rehearsals.limits
    runs = asked.config.runs.resolved(len(tasks))
    drawn: list[Amount] = []  # in one run on each task
    for task in tasks:
        taken, _ = await rehearsals.rehearse(seed, task.seed_program(), task.described())
        drawn.append(taken)
    inner = sum(drawn, Amount())
    description = describe_meta_utility(tasks, runs, limits, rehearsals.modules)
    outer, scored = await rehearsals.rehearse(seed, seed, description, depth=0)
    judged = runs["val"] + runs["test"]
    steps = [Step("t = 0", inner * judged, rehearsals.most_run * (len(tasks) * judged))]
    first = [await rehearsals.first_program(task) for task in tasks]
    if any(task.seed is None for task in tasks):
        likely, most = (sum(amounts, Amount()) for amounts in zip(*first, strict=True))
        steps.insert(0, Step("first programs", likely, most))
    for t in range(1, asked.config.iterations + 1):
        likely = outer + inner * (scored * runs["search"] + judged)
        most = rehearsals.most_run * most_runs(limits, len(tasks), runs)
        steps.append(Step(f"t = {t}", likely, most))
    restarted = rehearsals.most_restarted * (len(tasks) * runs["test"])
    steps.append(Step("comparison", inner * runs["test"], restarted))
    for name in SHIPPED if asked.config.with_baselines else ():
        likely = Amount()
        for task, taken in zip(tasks, drawn, strict=True):
            likely = likely + await rehearsals.restarted(load_improver(name), task, taken.samples)
        steps.append(Step(name, likely * runs["test"], restarted))
    return steps

"""What a bench will take of the model, and how many seeds it takes to know a difference well."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from selftaught.analysis.recorded_run import recorded
from selftaught.analysis.run_head import RunHead, read_head
from selftaught.core.budget import Usage
from selftaught.core.errors import ConfigError
from selftaught.core.independent_runs import runs_needed
from selftaught.core.program import IMPROVER_ENTRY, Program, content_id
from selftaught.core.task import VERSION_SCHEME
from selftaught.journal.reader import open_reader
from selftaught.studies.bench.results import bench_result
from selftaught.studies.bench.study import BenchConfig
from selftaught.studies.rehearsals import Rehearsals, Step
from selftaught.studies.study import Asked


async def bench_steps(rehearsals: Rehearsals, asked: Asked[BenchConfig]) -> list[Step]:
    """The first programs of tasks without any, and each improver on all tasks and seeds."""
    config, steps = asked.config, []
    most = rehearsals.most_sample * max(config.samples)  # each of them in a call of its own
    for task in asked.tasks:
        if task.seed is None:
            first, _ = await rehearsals.first_program(task)
            steps.append(Step(f"{task.name}: seed", first, most))
    arms = len(asked.tasks) * config.seeds
    for name in config.improvers:
        improver, likely = Program(config.programs[name], IMPROVER_ENTRY), Usage()
        for task in asked.tasks:
            likely += await rehearsals.restarted(improver, task, max(config.samples))
        steps.append(Step(name, likely * config.seeds, most * arms))
    return steps


def bench_size(asked: Asked[BenchConfig]) -> dict[str, Any]:
    """`{"size": {"width", "seeds", "sd", "runs", "said"}}`: by the differences of earlier benches
    with the same tasks, improvers, model and largest count; None where there is none."""
    width = asked.config.width
    runs, variances = [], dict[tuple[str, str], list[tuple[int, float]]]()
    for result in _earlier(asked):
        runs.append(result["run_id"])
        for one in result["comparisons"]:
            if one["sd"] is not None:
                place = one["improver"], one["task"] or "all tasks"
                variances.setdefault(place, []).append((result["seeds"], one["sd"]))
    found = {
        place: math.sqrt(sum((n - 1) * sd * sd for n, sd in ones) / sum(n - 1 for n, _ in ones))
        for place, ones in variances.items()
    }
    if not found:
        said = (
            "Seeds needed: not known, there is no earlier bench in the store with these tasks, "
            "improvers and model, and as many samples."
        )
        return {"size": {"width": width, "seeds": None, "sd": None, "runs": [], "said": said}}
    widest = max(found, key=lambda place: found[place])
    (improver, task), sd = widest, found[widest]
    seeds = runs_needed(sd * sd, width)
    count = "too many" if seeds is None else f"{seeds:,}"
    said = (
        f"Seeds needed for every difference to be known to +-{width:g}: {count}, by the standard "
        f"deviation {sd:.4f} of the widest, {improver} - {asked.config.improvers[0]} on {task}, "
        f"over the seeds of {'run' if len(runs) == 1 else 'runs'} {', '.join(runs)}."
    )
    return {"size": {"width": width, "seeds": seeds, "sd": sd, "runs": runs, "said": said}}


def _earlier(asked: Asked[BenchConfig]) -> Iterator[Mapping[str, Any]]:
    """Results of the benches in the store that are as this one, oldest first."""
    try:
        with open_reader(asked.config.store) as reader:
            for run_id in reversed(reader.runs()):
                head = read_head(reader, run_id)
                if head.command == asked.config.command and _is_alike(head, asked):
                    result = bench_result(recorded(reader, run_id))
                    if result is not None:
                        yield {"run_id": run_id, **result}
    except ConfigError:  # there is no store yet
        return


def _is_alike(head: RunHead, asked: Asked[BenchConfig]) -> bool:
    config = asked.config
    return (
        {(one.name, one.version) for one in head.tasks}
        == {(one.name, one.version_by(VERSION_SCHEME)) for one in asked.tasks}
        and [content_id(head.config["programs"][one]) for one in head.config["improvers"]]
        == [content_id(config.programs[one]) for one in config.improvers]
        and max(head.config["samples"]) == max(config.samples)
        and head.config["model"] == config.model
    )

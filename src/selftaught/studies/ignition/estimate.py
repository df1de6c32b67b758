"""What an ignition study will take of the model, and how many runs it takes to know the answer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from selftaught.analysis.recorded_run import recorded
from selftaught.analysis.run_head import read_head
from selftaught.core.budget import Usage
from selftaught.core.errors import ConfigError
from selftaught.core.independent_runs import half_width, runs_needed
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.engine.describe import describe_meta_utility, describe_task
from selftaught.journal.reader import open_reader
from selftaught.studies.ignition.results import ignition_result
from selftaught.studies.ignition.study import IgnitionConfig
from selftaught.studies.rehearsals import Rehearsals, Step
from selftaught.studies.study import Asked


async def ignition_steps(rehearsals: Rehearsals, asked: Asked[IgnitionConfig]) -> list[Step]:
    """A step a lineage; a child that is not written yet does what the incumbent does."""
    config, limits = asked.config, rehearsals.limits
    took_part = [one for one in asked.tasks if one.name in config.took_part]
    each: dict[str, Usage] = {}
    for task in asked.tasks:
        described = describe_task(task, rehearsals.modules)
        each[task.name], _ = await rehearsals.rehearse(
            asked.improver, task.seed_program(), described
        )
    searched = sum((each[task.name] for task in took_part), Usage()) * config.search_runs
    hidden = sum(each.values(), Usage()) * config.runs.test
    description = describe_meta_utility(
        took_part,
        {"search": config.search_runs},
        *(limits, rehearsals.modules),
        models=rehearsals.several,
    )
    samples = config.child_samples
    # As many again may have to be scored to choose among what the improver runs returned.
    asks = (2 * samples + 1) * len(took_part) * config.search_runs
    most_runs = asks + len(asked.tasks) * config.runs.test
    most = rehearsals.most_sample * samples + rehearsals.most_run * most_runs
    likely_of: dict[str, Usage] = {}
    for text_id, source in config.programs.items():
        outer, scored = await rehearsals.rehearse(
            *(Program(source, IMPROVER_ENTRY), asked.improver, description), depth=0
        )
        times = -(-samples // max(1, outer.samples))
        scored = min(samples + 1, scored * times)
        likely_of[text_id] = outer * times + searched * scored + hidden
    return [
        Step(
            lineage.name,
            sum((likely_of[one] for one in lineage.improvers), Usage()) * config.children,
            most * (config.children * len(lineage.improvers)),
        )
        for lineage in config.lineages
    ]


def ignition_size(asked: Asked[IgnitionConfig]) -> dict[str, Any]:
    """`{"size": {"margin", "runs", "half_width", "needed", "sd", "earlier", "said"}}`: by how much
    the lineages of earlier studies of the store differed, with the same tasks, model, children and
    samples; None where there is none."""
    config = asked.config
    planned = len(config.lineages)
    parts: list[tuple[int, float]] = []
    earlier = []
    for result in _earlier(asked):
        differences = result["groups"]["took_part"]["late_minus_early"]["runs"]
        if len(differences) > 1:
            middle = math.fsum(differences) / len(differences)
            squares = math.fsum((one - middle) ** 2 for one in differences)
            parts.append((len(differences) - 1, squares))
            earlier.append(result["run_id"])
    told: dict[str, Any] = {"margin": config.margin, "runs": planned, "earlier": earlier}
    variance = sum(one for _, one in parts) / sum(n for n, _ in parts) if parts else 0.0
    if not variance:
        said = (
            f"{planned:,} lineages. How narrow the interval will be: no earlier study in the store "
            "with these tasks, model, children and samples says it."
        )
        return {"size": told | {"half_width": None, "needed": None, "sd": None, "said": said}}
    half = half_width(variance, planned) if planned > 1 else None
    needed = runs_needed(variance, config.margin)
    width = "no interval" if half is None else f"late minus early is to be known to +-{half:.3f}"
    said = (
        f"{planned:,} lineages: {width}, by the standard deviation {math.sqrt(variance):.4f} over "
        f"the lineages of {', '.join(earlier)}; +-{config.margin:g} takes "
        f"{'too many' if needed is None else f'{needed:,}'}."
    )
    sd = math.sqrt(variance)
    return {"size": told | {"half_width": half, "needed": needed, "sd": sd, "said": said}}


def _earlier(asked: Asked[IgnitionConfig]) -> Iterator[Mapping[str, Any]]:
    """Results of the studies in the store that are as this one, oldest first."""
    config = asked.config
    try:
        with open_reader(config.store) as reader:
            for run_id in reversed(reader.runs()):
                head = read_head(reader, run_id)
                if head.command != config.command:
                    continue
                said = head.config
                told = said["took_part"], said["children"], said["samples"], said["model"]
                own = [*config.took_part], config.children, config.samples, config.model
                if list(told) == list(own):
                    result = ignition_result(recorded(reader, run_id))
                    if result is not None:
                        yield {"run_id": run_id, **result}
    except ConfigError:  # there is no store yet
        return

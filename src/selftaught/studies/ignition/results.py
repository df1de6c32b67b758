"""What an ignition study comes to, and what must hold of its events.

The unit is the lineage, a run: what its children come to is one mean difference, and the interval
is Student's t over lineages (docs/decisions/0055).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun, latest
from selftaught.core.independent_runs import mean_over_tasks
from selftaught.core.statistics import FEW, Bounds, are_alike, close, estimate
from selftaught.engine.keys import make_key
from selftaught.journal.codec import Event
from selftaught.journal.events import InvocationEnd
from selftaught.journal.ignition_events import IgnitionChild
from selftaught.studies.checking import key_problem, scale_of, worth_of
from selftaught.studies.ignition.run import hidden_names, search_names
from selftaught.studies.ignition.study import STAGES

SHOWN, NOT_SHOWN, ABSENT = "shown", "not shown", "absent"
_DIFFERENCES = (("late_minus_early", "late"), ("middle_minus_early", "middle"))


def ignition_result(run: RecordedRun) -> dict[str, Any] | None:
    """Of the lineages that were measured whole; None if there is none."""
    config = run.head.config
    children: dict[tuple[int, str], list[IgnitionChild]] = defaultdict(list)
    for one in latest(run.events, IgnitionChild).values():
        children[one.lineage, one.improver].append(one)
    whole = {
        place: lineage
        for place, lineage in enumerate(config["lineages"])
        if all(len(children[place, lineage[stage]]) == config["children"] for stage in STAGES)
    }
    if not whole:
        return None
    took_part = set(config["took_part"])
    names = [task.name for task in run.head.tasks]
    groups = {
        "took_part": [name for name in names if name in took_part],
        "others": [name for name in names if name not in took_part],
    }
    arms = {
        (place, stage): children[place, lineage[stage]]
        for place, lineage in whole.items()
        for stage in STAGES
    }
    return {
        "incumbent": config["incumbent"],
        "incumbent_id": run.head.improver_id,
        "children": config["children"],
        "samples": config["samples"] or _samples(config["limits"]),
        "test_runs": config["runs"]["test"],
        "margin": config["margin"],
        "lineages_asked": len(config["lineages"]),
        "lineages": [
            {
                "name": lineage["name"],
                **{stage: _stage(lineage[stage], arms[place, stage], groups) for stage in STAGES},
            }
            for place, lineage in whole.items()
        ],
        "groups": {
            group: _group(arms, [*whole], tasks, config["margin"], run.head.unit)
            for group, tasks in groups.items()
            if tasks
        },
    }


def _samples(limits: Mapping[str, Any]) -> int:
    return int(limits["calls"] * limits["samples_per_call"])


def _stage(
    improver: str, children: Sequence[IgnitionChild], groups: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The improver of a stage, and its children's means."""
    return {
        "improver_id": improver,
        **{group: _mean(children, tasks) for group, tasks in groups.items() if tasks},
        "child_ids": [one.program for one in sorted(children, key=lambda one: one.child)],
        "samples": sum(one.samples for one in children) / len(children),
        "scorings": sum(one.scorings for one in children) / len(children),
        "failed": sum(one.program is None for one in children),
    }


def _mean(children: Sequence[IgnitionChild], tasks: Sequence[str]) -> float:
    each = [mean_over_tasks({task: one.values[task] for task in tasks}) for one in children]
    return math.fsum(each) / len(each)


def _group(
    arms: Mapping[tuple[int, str], Sequence[IgnitionChild]],
    places: Sequence[int],
    tasks: Sequence[str],
    margin: float,
    unit: Bounds | None,
) -> dict[str, Any]:
    """Stages and their differences over lineages, on some of the tasks."""
    means = {stage: [_mean(arms[place, stage], tasks) for place in places] for stage in STAGES}
    found: dict[str, Any] = {"tasks": list(tasks)}
    for stage in STAGES:
        found[stage] = estimate({"": means[stage]}, unit, lowest_fails=False).as_json()
    for name, stage in _DIFFERENCES:
        differences = {"": [a - b for a, b in zip(means[stage], means["early"], strict=True)]}
        bounds = None if unit is None else Bounds(-1.0, 1.0)
        told = estimate(differences, bounds, lowest_fails=False).as_json()
        if are_alike(differences):  # they tell nothing of how much lineages vary
            told["ci95"] = None
        found[name] = told | {"runs": differences[""]}
    return found | _verdict(found["late_minus_early"], margin)


def _verdict(late: Mapping[str, Any], margin: float) -> dict[str, str]:
    """By the interval of late minus early, in a word and in words."""
    if late["ci95"] is None or late["n"] < FEW:
        why = f"of fewer than {FEW} runs nothing is" if late["n"] < FEW else "all runs are alike"
        return {"verdict": NOT_SHOWN, "said": f"not shown: {why}"}
    low, high = late["ci95"]
    if low > 0:
        small = f", by less than {margin:g}" if high < margin else ""
        return {
            "verdict": SHOWN,
            "said": f"shown: later improvers make better improvers{small}",
        }
    if high < margin:
        worse = "; they make worse ones" if high < 0 else ""
        return {
            "verdict": ABSENT,
            "said": f"absent: a gain of {margin:g} or more is excluded{worse}",
        }
    return {
        "verdict": NOT_SHOWN,
        "said": f"not shown: the interval holds 0 and a gain of {margin:g}",
    }


# --- verify -------------------------------------------------------------------------------------


def ignition_problems(event: Event, before: RecordedRun) -> Iterator[str]:
    """How an event is not what those before it come to."""
    body = event.body
    if not isinstance(body, IgnitionChild):
        return
    root = make_key("run", before.head.seed)
    yield from key_problem(root, event, event.kind, body.lineage, body.improver, body.child)
    lineage = before.head.config["lineages"][body.lineage]
    if body.improver not in (lineage[stage] for stage in STAGES):
        yield f"improver {body.improver} is none of lineage {body.lineage}"
    repeat = f"ignition-{body.lineage}-{body.child}"
    begun = before.past().begun("restart", body.improver, "", repeat)
    if body.runs != begun:
        yield f"its improver runs are {', '.join(body.runs)}, and those begun {', '.join(begun)}"
    ends = [one for key in body.runs if (one := before.last(InvocationEnd, key)) is not None]
    took = sum(one.usage.samples for one in ends), sum(one.utility_uses for one in ends)
    if took != (body.samples, body.scorings):
        yield f"it took {took} samples and scorings, and it says {(body.samples, body.scorings)}"
    yield from _chosen_problems(before, body, [one.program for one in ends if one.program])
    names = hidden_names(body.lineage, before.head.config["runs"]["test"])
    for task, values in body.values.items():
        for name, value in zip(names, values, strict=True):
            found = 0.0 if body.program is None else _worth(before, body, body.program, task, name)
            if not close(found, value):
                yield f"{name} of {task} comes to {found} on test, and it says {value}"


def _chosen_problems(
    before: RecordedRun, body: IgnitionChild, returned: Sequence[str]
) -> Iterator[str]:
    """It is the best by search of what its improver runs returned; of equals the first."""
    config = before.head.config
    names = search_names(body.lineage, body.child, config["runs"]["search"])
    found = {
        program: mean_over_tasks(
            {
                task: [_worth(before, body, program, task, name, "search") for name in names]
                for task in config["took_part"]
            }
        )
        for program in returned
    }
    best = max(found, key=lambda one: found[one], default=None)
    if best is None or body.program is None or body.search is None:
        if best is not None or body.program is not None or body.search is not None:
            yield f"the best that was returned is {best}, and it says {body.program}"
    elif not close(found[best], body.search) or not close(
        found.get(body.program, -1.0), found[best]
    ):
        yield f"the best is {best}, worth {found[best]}; it says {body.program}, {body.search}"


def _worth(
    before: RecordedRun,
    body: IgnitionChild,
    improver: str,
    task: str,
    name: str,
    stream: Any = "test",
) -> float:
    (told,) = (one for one in before.head.tasks if one.name == task)
    scale = scale_of(body, task, told)
    return worth_of(before.past(), improver, told, scale, stream, f"{stream}-{name}")

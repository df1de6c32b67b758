"""What an ignition study takes over from the STOP runs that it follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from selftaught.analysis.recorded_run import latest
from selftaught.analysis.run_head import RunHead
from selftaught.core.errors import ConfigError
from selftaught.core.task import Task
from selftaught.journal.reader import JournalReader, open_reader
from selftaught.journal.study_events import Iteration
from selftaught.studies.common_config import DEFAULT_TASKS, RunsConfig
from selftaught.studies.ignition.study import OTHER_TASKS, IgnitionConfig, Lineage
from selftaught.studies.promotions.origins import check_alike, stop_heads, unchanged_tasks
from selftaught.studies.settings import make_config, merged
from selftaught.studies.study import Asked, Installed
from selftaught.studies.transfer.origin import inherited


def asked_of(store: str, given: Mapping[str, Any], installed: Installed) -> Asked[IgnitionConfig]:
    """The whole configuration, and the tasks, those that took part first.

    Args:
        given: settings of the user; what is not given is as in the first run.
    Raises: ConfigError.
    """
    origins = tuple(given.get("origins", ()))
    if not origins:
        raise ConfigError("give RUNs whose improvers are to be compared, or EARLY,LATE files")
    files = [one for one in origins if "," in one]
    runs = [one for one in origins if "," not in one]
    programs: dict[str, str] = {}
    lineages: list[Lineage] = []
    heads: list[RunHead] = []
    if runs and given.get("tasks"):
        raise ConfigError("the tasks that took part are those of the runs: leave --tasks out")
    if runs:
        with open_reader(store) as reader:
            heads = [*stop_heads(reader, runs).values()]
            check_alike(heads, given.get("model"))
            _check_independent(heads)
            lineages += [_of_run(reader, head, programs) for head in heads]
    given_files = [_of_files(one, installed, store, programs) for one in files]
    if len({(one.early, one.middle, one.late) for one in given_files}) < len(given_files):
        raise ConfigError("the same files are given twice: they are not independent; leave one out")
    lineages += given_files
    if heads:
        took_part = unchanged_tasks(heads[0], installed)
        names = [*(heads[0].config.get("tasks") or heads[0].task_names)]
        search = heads[0].config["runs"]["search"]
    else:
        names = [*(given.get("tasks") or DEFAULT_TASKS)]
        took_part = [installed.task(name) for name in names]
        search = RunsConfig().resolved(len(names))["search"]
    others, other_names = _others(given, installed, {task.name for task in took_part})
    name, incumbent = installed.improver(given.get("incumbent", "seed"), store)
    settings = merged(inherited(heads[0], given.get("model")) if heads else {}, dict(given))
    settings["runs"] = {"search": search, **given.get("runs", {})}
    settings |= {
        "improver": name,
        "incumbent": name,
        "origins": origins,
        "tasks": [*names, *other_names],
        "took_part": [task.name for task in took_part],
        "lineages": [asdict(one) for one in lineages],
        "programs": dict(sorted(programs.items())),
    }
    return Asked(make_config(IgnitionConfig, settings), [*took_part, *others], incumbent)


def _others(
    given: Mapping[str, Any], installed: Installed, took_part: set[str]
) -> tuple[list[Task], list[str]]:
    names = [*given.get("other_tasks", ())] or [one for one in OTHER_TASKS if one not in took_part]
    tasks = [installed.task(name) for name in names]
    for task in tasks:
        if task.name in took_part:
            raise ConfigError(f"{task.name} took part in the runs: leave it out of --other-tasks")
    return tasks, names


def _check_independent(heads: Sequence[RunHead]) -> None:
    seeds: dict[int, str] = {}
    for head in heads:
        other = seeds.setdefault(head.seed, head.run_id)
        if other != head.run_id:
            raise ConfigError(
                f"runs {other} and {head.run_id} have the same seed {head.seed}: they are not "
                "independent; leave one out"
            )


def _of_run(reader: JournalReader, head: RunHead, programs: dict[str, str]) -> Lineage:
    steps = latest(reader.events(head.run_id, (Iteration,)), Iteration).values()
    ordered = [one.improver_id for one in sorted(steps, key=lambda one: one.t)]
    if len(ordered) < 2:
        raise ConfigError(
            f"run {head.run_id} has measured no step yet: there is nothing late in it"
        )
    stages = ordered[0], ordered[(len(ordered) - 1) // 2], ordered[-1]
    for text_id in stages:
        source = reader.text(text_id)
        if source is None:
            raise ConfigError(f"the store does not hold the improver {text_id}")
        programs[text_id] = source
    return Lineage(name=head.run_id, early=stages[0], middle=stages[1], late=stages[2])


def _of_files(names: str, installed: Installed, store: str, programs: dict[str, str]) -> Lineage:
    parts = [name.strip() for name in names.split(",")]
    if len(parts) not in (2, 3) or not all(parts):
        raise ConfigError(f"{names!r} must be EARLY,LATE or EARLY,MIDDLE,LATE")
    found = [installed.improver(name, store)[1] for name in parts]
    programs |= {one.id: one.source for one in found}
    # Without a middle one it is the early one, which is measured once.
    early, middle, late = found[0].id, found[(len(found) - 1) // 2].id, found[-1].id
    return Lineage(name=names, early=early, middle=middle, late=late)

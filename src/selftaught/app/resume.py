"""Runs that a store holds, to go on with or to replay."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from selftaught import __version__
from selftaught.analysis.recorded_run import recorded
from selftaught.analysis.run_head import RunHead, read_head
from selftaught.app.discovery import load_task
from selftaught.core.budget import Budget
from selftaught.core.errors import ConfigError
from selftaught.core.examples import Examples
from selftaught.core.outcome import Scored
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.core.task import VERSION_SCHEMES, Task
from selftaught.engine.history import Memory
from selftaught.engine.recall import recall
from selftaught.journal.events import TaskVersion
from selftaught.journal.reader import JournalReader, open_reader
from selftaught.studies.common_config import BudgetConfig, CommonConfig
from selftaught.studies.next_command import next_command
from selftaught.studies.registry import find_study, studies
from selftaught.studies.results import has_ended, result_of
from selftaught.studies.settings import make_config

_NAMED_PARTS = 4


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as its journal has it.

    Attributes:
        config: with the store in which it was found, and the sandbox tier in which it ran.
    """

    head: RunHead
    config: CommonConfig
    improver: Program
    memory: Memory

    @property
    def run_id(self) -> str:
        return self.head.run_id


def find_run(
    store: str, run: str, *, everything: bool = False, budget: Budget | None = None
) -> StoredRun:
    """A run by its id, the start of it, or `latest`.

    Raises: ConfigError if there is none, or it cannot be gone on with.
    """
    with open_reader(store) as reader:
        run_id = reader.resolve_run(run)
        head = read_head(reader, run_id)
        memory = recall(reader.events(run_id), reader.texts, everything=everything, budget=budget)
        return StoredRun(head, stored_config(head, store), _improver(reader, head), memory)


def to_finish(stored: StoredRun) -> StoredRun:
    """The run, if its best so far can be measured without the model.

    Raises: ConfigError.
    """
    head = stored.head
    where = next_command("show", stored.run_id, stored.config.store)
    if head.state == "done":
        raise ConfigError(f"run {stored.run_id} has ended (done), all measured; see {where}")
    if not find_study(head.command).finishes:
        raise ConfigError(
            f"--finish measures the best program of an improve run; of run {stored.run_id} "
            f"({head.command}) all is measured that can be without the model: see {where}, or go "
            "on without --finish"
        )
    if not any(isinstance(one, Scored) for one in stored.memory.evaluations.values()):
        raise ConfigError(
            f"run {stored.run_id} has scored no program yet: there is nothing to finish; go on "
            "without --finish"
        )
    return stored


def to_go_on(stored: StoredRun, limits: Mapping[str, float]) -> StoredRun:
    """The run with the budget to go on with.

    Raises: ConfigError if it has ended and this raises nothing, or if more is spent already.
    """
    head = stored.head
    if head.state != "done":
        changed = with_budget(stored, limits)
        if not has_ended(head) or _is_larger(changed.config.budget, stored.config.budget):
            return changed
    larger = "" if head.state == "done" else ", unless with a larger budget, such as --lm-calls"
    raise ConfigError(
        f"run {stored.run_id} has ended ({head.state}): there is nothing to resume{larger}; "
        f"see {next_command('show', stored.run_id, stored.config.store)}"
    )


def with_budget(stored: StoredRun, limits: Mapping[str, float]) -> StoredRun:
    """The run with these limits of its budget, and the others as they were.

    Raises: ConfigError if more than that is spent.
    """
    now = asdict(stored.config.budget)
    changed = {name: limit for name, limit in limits.items() if limit != now[name]}
    place, memory = stored.head.series, stored.memory
    usage = memory.usage if place is None else memory.usage + place.usage
    spent = {
        "lm_calls": usage.lm_calls,
        "samples": usage.samples,
        "tokens": usage.tokens_in + usage.tokens_out,
        "usd": usage.usd,
        "wall_s": memory.elapsed_s + (0.0 if place is None else place.wall_s),
    }
    for name, limit in changed.items():
        if limit <= spent[name]:
            raise ConfigError(
                f"run {stored.run_id} has spent {spent[name]:g} {name} already: with {limit:g} it "
                "could not go on; give more"
            )
    budget = make_config(BudgetConfig, {**now, **changed})
    return replace(stored, config=replace(stored.config, budget=budget))


def _is_larger(budget: BudgetConfig, before: BudgetConfig) -> bool:
    """Whether any limit is raised."""
    old = asdict(before)
    return any(
        limit is not None and old[name] is not None and limit > old[name]
        for name, limit in asdict(budget).items()
    )


def tasks_of(stored: StoredRun) -> list[Task]:
    """The run's tasks, by name or file, as it was started from the command line.

    Raises: ConfigError if one was given from Python, or is another than it was.
    """
    names = stored.config.task_names or stored.head.task_names
    try:
        tasks = [load_task(name) for name in names]
    except ConfigError as error:
        raise ConfigError(
            f"run {stored.run_id} cannot find its tasks: {error}{_in_python(stored)}"
        ) from None
    check_versions(stored, tasks)
    return tasks


def check_versions(stored: StoredRun, tasks: Sequence[Task]) -> None:
    """Raises: ConfigError if these are not the tasks of the run, as they were."""
    before, names = stored.head.task_names, tuple(task.name for task in tasks)
    if before != names:
        raise ConfigError(
            f"run {stored.run_id} is of the tasks {', '.join(before)}, not {', '.join(names)}"
        )
    for task, told in zip(tasks, stored.head.tasks, strict=True):
        version = task.version_by(stored.head.version_scheme)
        if version != told.version:
            what = _what_changed(task, told.parts or {}) or "its source, seed or settings"
            raise ConfigError(
                f"task {task.name} has changed since run {stored.run_id} was started (version "
                f"{told.version}, now {version}: {what}): its scores would not be comparable; "
                "bring back the old task, or start another run"
            )


def told_tasks(tasks: Sequence[Task], scheme: int) -> list[TaskVersion]:
    """What the head of a run tells of its tasks; scheme 1 knew no parts."""
    told: list[TaskVersion] = []
    for task in tasks:
        parts = None
        if scheme > 1:
            parts = {name: part.digest for name, part in task.version_parts.items()}
        version = task.version_by(scheme)
        references = tuple(task.references)
        lowest = task.lowest if math.isfinite(task.lowest) else None
        told.append(
            TaskVersion(
                name=task.name,
                version=version,
                parts=parts,
                lowest=lowest,
                references=references,
                highest=task.range[1] if math.isfinite(task.range[1]) else None,
                minimize=task.minimize,
                sets=task.utility.sets if isinstance(task.utility, Examples) else {},
            )
        )
    return told


def _what_changed(task: Task, before: Mapping[str, str]) -> str:
    """The parts that are not as they were, and where they stand; empty if none were told."""
    if not before:
        return ""
    now = task.version_parts
    changed = [
        f"{name} in {part.where}" if part.where else name
        for name, part in now.items()
        if before.get(name) != part.digest
    ]
    changed += [f"{name}, which is gone" for name in before if name not in now]
    more = len(changed) - _NAMED_PARTS
    return "; ".join(changed[:_NAMED_PARTS]) + (f"; and {more} more" if more > 0 else "")


def _in_python(stored: StoredRun) -> str:
    function = find_study(stored.head.command).function
    if not function:
        return ""
    return (
        "; if they were given from Python, resume it there: "
        f"st.{function}(..., resume={stored.run_id!r})"
    )


def stored_config(head: RunHead, store: str) -> CommonConfig:
    """The configuration of a run; what it did not know yet has its default. Raises: ConfigError."""
    values: dict[str, Any] = {**head.config, "store": store, "tier": head.tier}
    if head.command not in studies():
        raise ConfigError(
            f"run {head.run_id} is of a kind that selftaught {__version__} does not know: "
            f"{head.command}"
        )
    if head.version_scheme not in VERSION_SCHEMES:
        raise ConfigError(
            f"run {head.run_id} was started by selftaught {head.version}, whose versions of tasks "
            f"(scheme {head.version_scheme}) this one cannot check: use that one, or a newer one"
        )
    try:
        config: CommonConfig = make_config(studies()[head.command].config, values)
        return config
    except ConfigError as error:
        raise ConfigError(
            f"run {head.run_id} was started by selftaught {head.version}, whose configuration "
            f"this one does not read: {error}"
        ) from None


def _improver(reader: JournalReader, head: RunHead) -> Program:
    source = reader.text(head.improver_id or "")
    if source is None:
        raise ConfigError(
            f"run {head.run_id} was started by an older selftaught, which kept too little to go on"
        )
    return Program(source, IMPROVER_ENTRY)


def stored_result(store: str, run_id: str) -> dict[str, Any] | None:
    """What the events of a run come to; None if it measured nothing."""
    with open_reader(store) as reader:
        head = read_head(reader, run_id)
        study = find_study(head.command)
        return result_of(study, recorded(reader, run_id, study.events()))

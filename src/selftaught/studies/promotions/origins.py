"""What an audit of promotions takes over from the STOP runs that it follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from selftaught.analysis.recorded_run import latest
from selftaught.analysis.run_head import RunHead, read_head
from selftaught.analysis.series import series_runs
from selftaught.core.errors import ConfigError
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.core.task import Task
from selftaught.journal.reader import JournalReader, open_reader
from selftaught.journal.study_events import Proposal
from selftaught.studies.promotions.study import Adopted, PromotionsConfig
from selftaught.studies.settings import make_config, merged
from selftaught.studies.stop.study import ARCHIVE
from selftaught.studies.study import Asked, Installed
from selftaught.studies.transfer.origin import inherited

# Settings of `run` alone by which proposals are made and adopted.
_DECIDE = (("iterations", None), ("runs", None), *ARCHIVE)


@dataclass(frozen=True, slots=True)
class Origins:
    """STOP runs that are alike, what they adopted, and the sources of those improvers by id."""

    heads: Sequence[RunHead]
    adopted: Sequence[Adopted]
    programs: Mapping[str, str]


def find_origins(store: str, runs: Sequence[str]) -> Origins:
    """Runs by their ids, the starts of them, or `latest`; of a series all of its runs.

    Raises: ConfigError if there is none, one is no STOP run, or they adopted nothing.
    """
    if not runs:
        raise ConfigError("give a RUN whose adopted proposals are to be measured anew")
    with open_reader(store) as reader:
        found = stop_heads(reader, runs)
        adopted = [one for head in found.values() for one in _adopted(reader, head)]
        if not adopted:
            raise ConfigError(f"{', '.join(found)} adopted no proposal: there is nothing to audit")
        wanted = {text for one in adopted for text in (one.improver, one.parent)}
        texts = reader.texts(wanted)
        missing = sorted(wanted - texts.keys())
        if missing:
            raise ConfigError(f"the store does not hold the improver {missing[0]}")
        return Origins([*found.values()], adopted, dict(sorted(texts.items())))


def stop_heads(reader: JournalReader, runs: Sequence[str]) -> dict[str, RunHead]:
    """STOP runs by their ids; of a series all of its runs. Raises: ConfigError."""
    found: dict[str, RunHead] = {}
    for run in runs:
        head = read_head(reader, reader.resolve_run(run))
        place = head.series
        heads = [head] if place is None else [*series_runs(reader, place.series_id).values()]
        found |= {one.run_id: one for one in heads}
    for head in found.values():
        if head.command != "run":
            raise ConfigError(
                f"run {head.run_id} is of {head.command}: only a run of selftaught run adopts "
                "proposals"
            )
    return found


def _adopted(reader: JournalReader, head: RunHead) -> list[Adopted]:
    proposals = latest(reader.events(head.run_id, (Proposal,)), Proposal).values()
    return [
        Adopted(
            run_id=head.run_id,
            t=one.t,
            k=one.k,
            policy=head.config["accept"],
            improver=one.improver,
            parent=one.parent,
            val=None if one.val_difference is None else one.val_difference.mean,
        )
        for one in sorted(proposals, key=lambda one: (one.t, one.k))
        if one.accepted and one.improver is not None
    ]


def asked_of(
    origins: Origins, given: Mapping[str, Any], installed: Installed
) -> Asked[PromotionsConfig]:
    """The whole configuration of an audit, and the tasks of the runs.

    Args:
        given: settings of the user; what is not given is as in the runs.
    Raises: ConfigError.
    """
    first = origins.heads[0]
    certified = [head for head in origins.heads if head.config["accept"] == "certified"]
    check_alike(origins.heads, given.get("model"))
    for head in certified[1:]:  # with other policies it has no effect
        if head.config["certify_pairs"] != certified[0].config["certify_pairs"]:
            raise ConfigError(_unlike(certified[0], head, ["certify_pairs"]))
    names = first.config.get("tasks") or first.task_names
    tasks = unchanged_tasks(first, installed)
    programs = origins.programs
    asked = merged(inherited(first, given.get("model")), dict(given))
    asked |= {
        "improver": f"parents in {first.run_id}",
        "origins": [head.run_id for head in origins.heads],
        "tasks": names,
        "adopted": [asdict(one) for one in origins.adopted],
        "programs": programs,
    }
    parent = Program(programs[origins.adopted[0].parent], IMPROVER_ENTRY)
    return Asked(make_config(PromotionsConfig, asked), tasks, parent)


def check_alike(heads: Sequence[RunHead], model: Any) -> None:
    """That runs differ in nothing but policy and seed. Raises: ConfigError."""
    first = heads[0]
    own = inherited(first, model)
    for head in heads[1:]:
        others = inherited(head, model)
        settings = own.keys() | others.keys()
        differ = sorted(name for name in settings - {"seed"} if own.get(name) != others.get(name))
        differ += [
            name
            for name, default in _DECIDE
            if head.config.get(name, default) != first.config.get(name, default)
        ]
        differ += ["tasks"] if head.tasks != first.tasks else []
        if differ:
            raise ConfigError(_unlike(first, head, differ))


def unchanged_tasks(head: RunHead, installed: Installed) -> list[Task]:
    """The tasks of a run. Raises: ConfigError if one is another now."""
    names = head.config.get("tasks") or head.task_names
    tasks = [installed.task(name) for name in names]
    for task, told in zip(tasks, head.tasks, strict=True):
        if task.version_by(head.version_scheme) != told.version:
            raise ConfigError(
                f"task {task.name} has changed since run {head.run_id} was started: its improvers "
                "would be measured by something else"
            )
    return tasks


def _unlike(one: RunHead, other: RunHead, differ: Sequence[str]) -> str:
    runs = f"runs {one.run_id} and {other.run_id}"
    return f"{runs} are not alike ({', '.join(differ)}): audit them apart"

"""What a transfer study takes over from the STOP run that it follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from selftaught.analysis.recorded_run import STANDING_KINDS, standing
from selftaught.analysis.run_head import RunHead, read_head
from selftaught.core.errors import ConfigError
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.journal.reader import JournalReader, open_reader
from selftaught.studies.common_config import CommonConfig
from selftaught.studies.models_config import read_models
from selftaught.studies.next_command import next_command
from selftaught.studies.settings import make_config, merged
from selftaught.studies.study import Asked, Installed
from selftaught.studies.transfer.study import TransferConfig

# Settings of a run that belong to it, or to its machine, and not to what it found.
_OF_THE_RUN = frozenset({"improver", "store", "tier", "slots", "budget"})
_OF_THE_MODEL = frozenset(
    {"base_url", "api_key_file", "api_key_env", "reasoning_effort", "model_args"}
    | {"price_in", "price_out"}
)


@dataclass(frozen=True, slots=True)
class Origin:
    """A STOP run and the two improvers of it that are compared.

    Attributes:
        seed, improved: the improver that it began with, and the one that stands at its end, or
            now if it has not ended.
    """

    head: RunHead
    seed: Program
    improved: Program


def find_origin(store: str, run: str) -> Origin:
    """The run by its id, the start of it, or `latest`.

    Raises: ConfigError if there is none, or it has no improved improver.
    """
    with open_reader(store) as reader:
        run_id = reader.resolve_run(run)
        head = read_head(reader, run_id)
        if head.command != "run":
            raise ConfigError(
                f"run {run_id} is of {head.command}: only a run of selftaught run has an improved "
                "improver to transfer"
            )
        first = head.improver_id
        last = standing(reader.events(run_id, STANDING_KINDS)).best
        if last is None:
            raise ConfigError(
                f"run {run_id} has measured no improver yet ({head.state}): go on with it first: "
                f"{next_command('resume', run_id, store)}"
            )
        if first == last:
            raise ConfigError(
                f"run {run_id} stands with the improver that it began with: there is nothing to "
                "transfer"
            )
        return Origin(head, _improver(reader, head, first), _improver(reader, head, last))


def _improver(reader: JournalReader, head: RunHead, program_id: str | None) -> Program:
    source = reader.text(program_id or "")
    if source is None:
        raise ConfigError(f"the store does not hold the improver {program_id} of run {head.run_id}")
    return Program(source, IMPROVER_ENTRY)


def asked_of(
    origin: Origin, given: Mapping[str, Any], installed: Installed
) -> Asked[TransferConfig]:
    """The whole configuration of a study, its tasks, and the improver that the run began with.

    Args:
        given: settings of the user; what is not given is as in the run: its model, its limits,
            its sandbox and its seed. Without tasks: all that are installed and took no part.
    Raises: ConfigError.
    """
    run_id = origin.head.run_id
    took_part = frozenset(origin.head.task_names)
    tasks = [installed.task(name) for name in given.get("tasks", ())]
    if not tasks:
        unseen = [name for name in installed.task_names() if name not in took_part]
        given = {**given, "tasks": unseen}
        tasks = [installed.task(name) for name in unseen]
    seen = [task.name for task in tasks if task.name in took_part]
    if seen and not given.get("allow_seen"):
        raise ConfigError(
            f"{', '.join(seen)} took part in run {run_id}, whose improver was chosen on it: to "
            "measure it is no transfer; leave it out, or give --allow-seen"
        )
    settings = merged(inherited(origin.head, given.get("model")), dict(given))
    settings |= {
        "improver": f"that of {run_id} at t = 0",
        "origin": run_id,
        "took_part": sorted(took_part),
        "improved": origin.improved.source,
    }
    return Asked(make_config(TransferConfig, settings), tasks, origin.seed)


def inherited(head: RunHead, model: Any) -> dict[str, Any]:
    """Settings of the run; for another model without those of its own model's provider."""
    names = {field.name for field in fields(CommonConfig)} - _OF_THE_RUN
    if model is not None and read_models(model) != head.config.get("model"):
        names -= _OF_THE_MODEL | {"model"}
    return {name: value for name, value in head.config.items() if name in names}

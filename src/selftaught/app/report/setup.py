"""What a run was configured with, for a reader, and as a file with which it can be done again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tomli_w

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.core.seeds import PUBLIC_KEY
from selftaught.journal.codec import as_json
from selftaught.pages import words
from selftaught.pages.blocks import Block, Facts, Paragraph, Section
from selftaught.studies.improvers import improver_names
from selftaught.studies.registry import find_study
from selftaught.studies.settings import declared
from selftaught.studies.study import CONFIG_FILE, Study

Json = Mapping[str, Any]

FIRST_IMPROVER_FILE = "first_improver.py"

# Of the machine and its user, not of what was done.
_NOT_TOLD = frozenset({"store", "api_key_file", "api_key_env", "instance_key", "slots", "improved"})


def setup_section(runs: Sequence[RecordedRun]) -> Section:
    """Configuration and everything needed to do the run again."""
    config = _config(runs)
    files = setup_files(runs)
    rows = [*_facts(runs, config)]
    blocks: list[Block] = [Facts(tuple(rows))]
    if CONFIG_FILE in files:
        blocks.append(Paragraph(_how_again(runs), _command(runs)))
    data = {
        "model": runs[0].head.model,
        "version": runs[0].head.version,
        "seeds": [run.head.seed for run in runs],
        "sandbox_tier": runs[0].head.tier,
        "instance_key": _key_mode(config),
        "tasks": [as_json(task) for task in runs[0].head.tasks],
        "started": runs[0].head.started,
        "command": _command(runs),
        "config": {name: value for name, value in config.items() if name not in _NOT_TOLD},
    }
    return Section("configuration", "Configuration, and how to do it again", tuple(blocks), data)


def setup_files(runs: Sequence[RecordedRun]) -> dict[str, str]:
    """Files with which the run can be done again, by name."""
    study = find_study(runs[0].head.command)
    if study.follows:
        return {}
    config = {name: value for name, value in _config(runs).items() if name not in _NOT_TOLD}
    if not study.argument.many:
        config.pop(study.argument.setting, None)  # stands in the command
    files = {}
    if not _has_improver(study):
        del config["improver"]
    elif config.get("improver") not in improver_names():
        improver = runs[0].head.improver_id
        source = None if improver is None else runs[0].text(improver)
        if source is not None:
            config["improver"] = FIRST_IMPROVER_FILE
            files[FIRST_IMPROVER_FILE] = source
    if runs[0].head.config.get("instance_key") == PUBLIC_KEY:
        config["instance_key"] = PUBLIC_KEY
    return {CONFIG_FILE: as_toml(config), **files}


def _config(runs: Sequence[RecordedRun]) -> dict[str, Any]:
    """As the run was done: audits of older versions named an improver that they did not take."""
    head = runs[0].head
    study = find_study(head.command)
    own = {} if study.follows or _has_improver(study) else {"improver": study.config.improver}
    return {**head.config, **own}


def _has_improver(study: Study[Any]) -> bool:
    """Whether an improver can be chosen."""
    return ("improver",) in [one.path for one in declared(study.config)]


def _facts(runs: Sequence[RecordedRun], config: Json) -> Iterator[tuple[str, str]]:
    head = runs[0].head
    seeds = [run.head.seed for run in runs]
    yield "command", find_study(head.command).command
    yield "model", head.model
    yield "tasks", "\n".join(f"{task.name}, version {task.version}" for task in head.tasks)
    yield "improver to begin with", str(config.get("improver", "-"))
    yield ("seed" if len(seeds) == 1 else "seeds"), ", ".join(map(str, seeds))
    yield "instances", _key_mode(config)
    yield "sandbox", head.tier
    yield "selftaught", head.version
    yield "started", head.started
    for name in ("iterations", "accept", "patience", "repeats", "origin"):
        if config.get(name) is not None:
            yield name, str(config[name])
    for section, title in (
        ("runs", "improver runs a task"),
        ("limits", "limits of an improver run"),
        ("budget", "budget"),
    ):
        given = {k: v for k, v in (config.get(section) or {}).items() if v is not None}
        if given or section == "budget":
            yield title, ", ".join(f"{k} {_plain(v)}" for k, v in given.items()) or "none"


def _key_mode(config: Json) -> str:
    if config.get("instance_key") == PUBLIC_KEY:
        return "public: they follow from the seed alone, the same for everybody"
    return "from the seed and the user's own key, which is not told here"


def _how_again(runs: Sequence[RecordedRun]) -> str:
    private = runs[0].head.config.get("instance_key") != PUBLIC_KEY
    key = (
        " Its instances derive from the key of whoever ran it: with another key the numbers are "
        "those of other instances."
        if private
        else ""
    )
    return f"{CONFIG_FILE}, beside this page, holds the whole configuration.{key} Once more:"


def _command(runs: Sequence[RecordedRun]) -> str:
    head = runs[0].head
    return find_study(head.command).again(
        {**head.config, "tasks": head.config.get("tasks") or head.task_names}
    )


def _plain(value: Any) -> str:
    return words.plain(value) if isinstance(value, float) else str(value)


def as_toml(values: Json) -> str:
    """A configuration as a file; what is None is left out."""
    return tomli_w.dumps(_set(values))


def _set(value: Any) -> Any:
    """Without what TOML cannot say: None, and halves of characters."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case Mapping():
            return {_set(name): _set(one) for name, one in value.items() if one is not None}
        case list() | tuple():
            return [_set(one) for one in value]
    return value

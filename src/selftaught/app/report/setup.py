"""What a run was configured with, for a reader, and as a file with which it can be done again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from selftaught.analysis import words
from selftaught.analysis.report.document import Block, Facts, Paragraph, Section
from selftaught.analysis.report.study import Study
from selftaught.core.seeds import PUBLIC_KEY
from selftaught.journal.codec import as_json
from selftaught.studies.improvers import improver_names
from selftaught.studies.sandbox_audit.study import AUDIT_IMPROVER

Json = Mapping[str, Any]

CONFIG_FILE = "config.toml"
FIRST_IMPROVER_FILE = "first_improver.py"

# Of the machine and its user, not of what was done.
_NOT_TOLD = frozenset({"store", "api_key_file", "instance_key", "slots", "improved"})
# Commands that read the file, and can do without what else is in the store.
_CONFIGURED = ("run", "improve", "audit")


def setup_section(study: Study) -> Section:
    """Configuration and everything needed to do the run again."""
    config = _config(study)
    files = setup_files(study)
    rows = [*_facts(study, config)]
    blocks: list[Block] = [Facts(tuple(rows))]
    if CONFIG_FILE in files:
        blocks.append(Paragraph(_how_again(study), _command(study)))
    data = {
        "model": study.head.model,
        "version": study.head.version,
        "seeds": [view.head.seed for view in study.views],
        "sandbox_tier": study.head.tier,
        "instance_key": _key_mode(config),
        "tasks": [as_json(task) for task in study.head.tasks],
        "started": study.head.started,
        "command": _command(study),
        "config": {name: value for name, value in config.items() if name not in _NOT_TOLD},
    }
    return Section("configuration", "Configuration, and how to do it again", tuple(blocks), data)


def setup_files(study: Study) -> dict[str, str]:
    """Files with which the run can be done again, by name."""
    if study.head.command not in _CONFIGURED:
        return {}
    config = {name: value for name, value in _config(study).items() if name not in _NOT_TOLD}
    config.pop("task", None)  # stands in the command
    files = {}
    if config.get("improver") == AUDIT_IMPROVER:
        del config["improver"]
    elif config.get("improver") not in improver_names() and study.first_improver is not None:
        config["improver"] = FIRST_IMPROVER_FILE
        files[FIRST_IMPROVER_FILE] = study.first_improver
    if study.head.config.get("instance_key") == PUBLIC_KEY:
        config["instance_key"] = PUBLIC_KEY
    return {CONFIG_FILE: as_toml(config), **files}


def _config(study: Study) -> dict[str, Any]:
    """As the run was done: audits of older versions named an improver that they did not take."""
    own = {"improver": AUDIT_IMPROVER} if study.head.command == "audit" else {}
    return {**study.head.config, **own}


def _facts(study: Study, config: Json) -> Iterator[tuple[str, str]]:
    head = study.head
    seeds = [view.head.seed for view in study.views]
    yield "command", "audit sandbox" if head.command == "audit" else head.command
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


def _how_again(study: Study) -> str:
    private = study.head.config.get("instance_key") != PUBLIC_KEY
    key = (
        " Its instances derive from the key of whoever ran it: with another key the numbers are "
        "those of other instances."
        if private
        else ""
    )
    return f"{CONFIG_FILE}, beside this page, holds the whole configuration.{key} Once more:"


def _command(study: Study) -> str:
    config = study.head.config
    match study.head.command:
        case "improve":
            task = shlex.quote(config.get("task") or study.head.task_names[0])
            return f"selftaught improve {task} --config {CONFIG_FILE}"
        case "transfer":
            tasks = shlex.quote(",".join(config["tasks"]))
            return f"selftaught transfer {config['origin']} --tasks {tasks}"
        case "audit":
            return f"selftaught audit sandbox --config {CONFIG_FILE}"
        case command:
            return f"selftaught {command} --config {CONFIG_FILE}"


def _plain(value: Any) -> str:
    return words.plain(value) if isinstance(value, float) else str(value)


# --- TOML -------------------------------------------------------------------------------------


def as_toml(values: Json) -> str:
    """A configuration as a file; what is None is left out."""
    lines = [f"{_key(name)} = {_value(value)}" for name, value in _set(values, tables=False)]
    for name, section in _set(values, tables=True):
        listed = [
            f"{_key(key)} = {_value(value)}" for key, value in section.items() if value is not None
        ]
        if listed:
            lines += ["", f"[{_key(name)}]", *listed]
    return "\n".join(lines) + "\n"


def _set(values: Json, *, tables: bool) -> list[tuple[str, Any]]:
    return [
        (name, value)
        for name, value in values.items()
        if value is not None and isinstance(value, Mapping) == tables
    ]


def _key(name: str) -> str:
    return (
        name
        if name.replace("_", "").replace("-", "").isalnum() and name.isascii()
        else _value(name)
    )


def _value(value: Any) -> str:
    """Strings of JSON are strings of TOML, but for lone halves of characters, and DEL."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items() if v is not None)
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        whole = value.encode("utf-8", "replace").decode()
        return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)

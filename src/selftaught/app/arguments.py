"""Arguments of the public functions, as what studies take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from selftaught.app.discovery import load_task
from selftaught.core.budget import Budget, ImproverLimits
from selftaught.core.errors import ConfigError
from selftaught.core.language_model import ModelFunction
from selftaught.core.program import Program
from selftaught.core.task import Task
from selftaught.models.python_function import name_of
from selftaught.studies.common_config import ProviderConfig

TaskLike = Task | str | Path
ModelLike = str | ModelFunction


def model_name(model: ModelLike) -> str:
    if isinstance(model, str):
        return model
    if not callable(model):
        raise ConfigError(
            f"model must be `provider:model` or a function of a Prompt, not {model!r}"
        )
    return name_of(model)


def settings(provider: Mapping[str, Any] | None, **arguments: Any) -> dict[str, Any]:
    """Settings, from the arguments of a public function; what is None has its default."""
    unknown = sorted(set(provider or {}) - {field.name for field in fields(ProviderConfig)})
    if unknown:
        raise ConfigError(f"unknown setting of the provider: {', '.join(unknown)}")
    given = {name: _as_setting(value) for name, value in arguments.items() if value is not None}
    return {**(provider or {}), **given}


def _as_setting(value: Any) -> Any:
    if isinstance(value, (Budget, ImproverLimits)):
        return asdict(value)
    return str(value) if isinstance(value, Path) else value


def task_of(task: TaskLike) -> Task:
    return task if isinstance(task, Task) else load_task(task)


def program_of(program: str | Path | Program, task: Task) -> Program:
    if isinstance(program, Program):
        return program
    if isinstance(program, str):
        return Program(program, task.entry)
    if not isinstance(program, Path):
        raise ConfigError(
            f"task {task.name}: program must be source text, a Path or a Program, not {program!r}"
        )
    # A relative path is that of the caller's file, unless it is the very one that the task gave.
    if program is task.seed or (program == task.seed and not program.exists()):
        return task.seed_program()
    try:
        return Program(program.read_text(encoding="utf-8-sig"), task.entry)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the program {program}: {error}") from None

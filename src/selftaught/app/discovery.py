"""Finding tasks, improvers and models by name: entry points, shipped files, or a path."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Sequence
from importlib import metadata, resources
from pathlib import Path

from selftaught.core.errors import ConfigError
from selftaught.core.language_model import LanguageModel, ModelServices
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.core.task import Task


def task_names() -> list[str]:
    """Names of the tasks that are installed."""
    return sorted({point.name for point in metadata.entry_points(group="selftaught.tasks")})


def load_task(name_or_path: str | Path) -> Task:
    """A task by its name, or the one named `task` in a Python file.

    Raises: ConfigError if there is none, or its file raises.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(".py") or "/" in text:
        return _task_from_file(Path(text))
    points = list(metadata.entry_points(group="selftaught.tasks", name=text))
    if not points:
        raise ConfigError(
            f"unknown task {text!r}: there are {', '.join(task_names())}, or give a file.py"
        )
    try:
        task = points[0].load()
    except Exception as error:  # noqa: BLE001 - a plugin's import may raise anything
        raise ConfigError(f"task {text!r} cannot be loaded: {_blame(error)}") from None
    return _must_be_task(task, text)


def _task_from_file(path: Path) -> Task:
    if not path.is_file():
        raise ConfigError(f"there is no task file {path}")
    name = f"selftaught_task_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise ConfigError(f"task file {path} line {error.lineno}: {error.msg}") from None
    except Exception as error:  # noqa: BLE001 - a task file may raise anything
        raise ConfigError(f"task file {path} raised {_blame(error)}") from None
    if not hasattr(module, "task"):
        raise ConfigError(f"task file {path} defines no `task = st.Task(...)`")
    return _must_be_task(module.task, str(path))


def _must_be_task(task: object, where: str) -> Task:
    if not isinstance(task, Task):
        raise ConfigError(f"`task` of {where} must be an st.Task, not {type(task).__name__}")
    return task


def _blame(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{where}"


def improver_names() -> list[str]:
    """Names of the improvers that are shipped."""
    folder = resources.files("selftaught") / "improvers"
    return sorted(item.name.removesuffix(".py") for item in folder.iterdir() if item.is_file())


def load_improver(name_or_path: str | Path) -> Program:
    """An improver by its name, or the text of a file. It is read, and never imported.

    Raises: ConfigError if there is none.
    """
    text = str(name_or_path)
    if text in improver_names():
        source = resources.files("selftaught") / "improvers" / f"{text}.py"
        return Program(source.read_text(encoding="utf-8"), IMPROVER_ENTRY)
    path = Path(text)
    if not path.is_file():
        raise ConfigError(
            f"unknown improver {text!r}: there are {', '.join(improver_names())}, or give a file.py"
        )
    try:
        return Program(path.read_text(encoding="utf-8"), IMPROVER_ENTRY)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the improver {path}: {error}") from None


def provider_names() -> list[str]:
    """Names of the providers that are installed."""
    return sorted({point.name for point in metadata.entry_points(group="selftaught.models")})


def check_model_name(name: str) -> tuple[str, str]:
    """(provider, model) of `provider:model`. Raises: ConfigError."""
    provider, colon, model = name.partition(":")
    if not colon or not model:
        raise ConfigError(f"model {name!r} must be written provider:model, such as local:mutator")
    if provider not in provider_names():
        raise ConfigError(
            f"unknown model provider {provider!r}: there are {', '.join(provider_names())}"
        )
    return provider, model


def make_model(name: str, services: ModelServices) -> LanguageModel:
    """The model of a name. Raises: ConfigError."""
    provider, model = check_model_name(name)
    (point, *_) = metadata.entry_points(group="selftaught.models", name=provider)
    made: LanguageModel = point.load()(model, services)
    return made


def check_distinct(tasks: Sequence[Task]) -> None:
    """Raises: ConfigError if there is no task, or one is given twice."""
    names = [task.name for task in tasks]
    if not names:
        raise ConfigError("no tasks were given")
    if len(set(names)) < len(names):
        raise ConfigError(f"each task can be given once: {', '.join(names)}")

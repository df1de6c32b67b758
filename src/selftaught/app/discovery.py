"""Finding tasks, improvers and models by name: entry points, shipped files, or a path."""

from __future__ import annotations

import contextlib
import importlib.util
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from importlib import metadata, resources
from pathlib import Path
from types import FrameType

from selftaught.core.blame import own_place, words_of
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
    with _users_code(f"task {text!r} cannot be loaded:"):
        task = points[0].load()
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
    with _users_code(f"task file {path} raised", path.resolve()):
        spec.loader.exec_module(module)
    if not hasattr(module, "task"):
        raise ConfigError(f"task file {path} defines no `task = st.Task(...)`")
    return _must_be_task(module.task, str(path))


def _must_be_task(task: object, where: str) -> Task:
    if not isinstance(task, Task):
        raise ConfigError(f"`task` of {where} must be an st.Task, not {type(task).__name__}")
    return task


@contextlib.contextmanager
def _users_code(what: str, file: Path | None = None) -> Iterator[None]:
    """Whatever a module raises while it is loaded, SystemExit too, is its author's error.

    Raises: ConfigError that begins with `what`; KeyboardInterrupt of a signal.
    """
    with _ctrl_c() as pressed:
        try:
            yield
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and (
                pressed or type(error) is not KeyboardInterrupt
            ):
                raise  # a kind of its own is what the edge makes of other signals
            place = own_place(traceback.extract_tb(error.__traceback__), file)
            where = "" if place is None else f" ({place[0]}:{place[1]})"
            raise ConfigError(f"{what} {' '.join(words_of(error).split())}{where}") from None


@contextlib.contextmanager
def _ctrl_c() -> Iterator[list[int]]:
    """Filled once Ctrl-C is pressed, which raises KeyboardInterrupt in the main thread alone."""
    pressed: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield pressed
        return

    def press(signum: int, frame: FrameType | None) -> None:
        pressed.append(signum)
        before(signum, frame)

    signal.signal(signal.SIGINT, press)
    try:
        yield pressed
    finally:
        if signal.getsignal(signal.SIGINT) is press:  # the module may have set its own
            signal.signal(signal.SIGINT, before)


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

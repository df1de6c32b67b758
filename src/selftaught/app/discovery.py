"""Finding tasks, models, sandboxes, executors and improvers by name.

All but improvers are entry points, our own as those of others; an improver is a file that is
shipped. A task or an improver may be given by its path instead.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import signal
import threading
import traceback
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from importlib import metadata
from pathlib import Path
from types import FrameType
from typing import Any

from selftaught.analysis.reward_findings import Detector, Finding
from selftaught.core.blame import own_place, words_of
from selftaught.core.errors import ConfigError
from selftaught.core.language_model import LanguageModel, ModelServices
from selftaught.core.ports import Executor, ExecutorServices, Sandbox
from selftaught.core.prints import printed_on_stderr
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.core.task import Task
from selftaught.core.task_place import module_of_file
from selftaught.evaluators.openevolve import PREFIX, task_named
from selftaught.sandboxes.layout import Layout
from selftaught.studies.improvers import improver_names, load_improver
from selftaught.studies.registry import find_study

# In this order a tier is tried; those of others after them, by name.
_STRONGEST_TIERS = ("namespaced", "sealed")


def _installed(group: str) -> list[str]:
    return sorted({point.name for point in metadata.entry_points(group=group)})


def _load(group: str, kind: str, name: str, or_else: str = "") -> Any:
    """What is installed by a name. Raises: ConfigError if nothing is, or it cannot be loaded."""
    points = list(metadata.entry_points(group=group, name=name))
    if not points:
        there = ", ".join(_installed(group))
        raise ConfigError(f"unknown {kind} {name!r}: there are {there}{or_else}")
    with _users_code(f"{kind} {name!r} cannot be loaded:"):
        return points[0].load()


def task_names() -> list[str]:
    """Names of the tasks that are installed."""
    return _installed("selftaught.tasks")


def load_task(name_or_path: str | Path) -> Task:
    """A task by its name, or the one named `task` in a Python file, or in a folder's task.py.

    Or one of OpenEvolve's form, as `openevolve:PROGRAM:EVALUATOR[:CONFIG]`.

    Raises: ConfigError if there is none, or its file raises.
    """
    text = str(name_or_path)
    if text.startswith(PREFIX):
        return task_named(text)
    is_path = isinstance(name_or_path, Path) or text.endswith(".py") or "/" in text
    if is_path or (Path(text).is_dir() and text not in task_names()):
        return _task_from_file(Path(text))
    task = _load("selftaught.tasks", "task", text, ", or give a file.py")
    return _must_be_task(task, text)


def _task_from_file(path: Path) -> Task:
    path = path / "task.py" if path.is_dir() else path
    if not path.is_file():
        raise ConfigError(f"there is no task file {path}")
    with printed_on_stderr(), _users_code(f"task file {path} raised", path.resolve()):
        module = module_of_file(path)
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


def load_detector(path: Path) -> Detector:
    """The function `detect` of a Python file; what it raises is its author's error.

    Raises: ConfigError, also when it is called.
    """
    if not path.is_file():
        raise ConfigError(f"there is no detector file {path}")
    with _users_code(f"detector {path} raised", path.resolve()):
        detect = getattr(module_of_file(path), "detect", None)
    if not callable(detect):
        raise ConfigError(f"detector {path} defines no `def detect(program, trace)`")

    def checked(program: str, trace: list[dict[str, Any]]) -> list[Finding]:
        with _users_code(f"detector {path} raised", path.resolve()):
            found = list(detect(program, trace) or ())
        for one in found:
            if not (isinstance(one, Finding) and isinstance(one.kind, str) and one.kind):
                raise ConfigError(f"detector {path} must return a list of st.Finding, not {one!r}")
        return found

    return checked


def provider_names() -> list[str]:
    """Names of the providers that are installed."""
    return _installed("selftaught.models")


def providers() -> list[dict[str, Any]]:
    """Those that are installed: what each is, and which of its variables the environment has."""
    points = sorted(metadata.entry_points(group="selftaught.models"), key=lambda p: p.name)
    return [_provider(point) for point in points]


def _provider(point: metadata.EntryPoint) -> dict[str, Any]:
    """A provider, and the names of its variables that the environment has."""
    try:
        module = inspect.getmodule(point.load())
    except Exception as error:  # noqa: BLE001 - a plugin's import may raise anything
        said = f"cannot be loaded: {type(error).__name__}: {error}"
        return {"provider": point.name, "summary": said, "environment": []}
    # A plugin need not say which variables it reads.
    variables = getattr(module, "VARIABLES", ())
    return {
        "provider": point.name,
        "summary": (inspect.getdoc(module) or "").partition("\n")[0],
        "environment": [name for name in variables if os.environ.get(name)],
    }


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


def make_model(name: str, services: ModelServices) -> LanguageModel | Awaitable[LanguageModel]:
    """The model of a name, or what it is to be awaited from. Raises: ConfigError."""
    provider, model = check_model_name(name)
    made: LanguageModel | Awaitable[LanguageModel] = _load(
        "selftaught.models", "model provider", provider
    )(model, services)
    return made


def sandbox_names() -> list[str]:
    """Names of the sandbox's tiers that are installed, strongest first."""
    names = _installed("selftaught.sandboxes")
    ours = [name for name in _STRONGEST_TIERS if name in names]
    return [*ours, *(name for name in names if name not in ours)]


def make_sandbox(tier: str, layout: Layout) -> Sandbox:
    """A tier by its name. Raises: ConfigError."""
    made: Sandbox = _load("selftaught.sandboxes", "sandbox tier", tier)(layout)
    return made


def make_executor(name: str, services: ExecutorServices) -> AbstractAsyncContextManager[Executor]:
    """An executor by its name, not yet running. Raises: ConfigError."""
    made: AbstractAsyncContextManager[Executor] = _load("selftaught.executors", "executor", name)(
        services
    )
    return made


def check_distinct(tasks: Sequence[Task]) -> None:
    """Raises: ConfigError if there is no task, or one is given twice."""
    names = [task.name for task in tasks]
    if not names:
        raise ConfigError("no tasks were given")
    if len(set(names)) < len(names):
        raise ConfigError(f"each task can be given once: {', '.join(names)}")


class Installed:
    """What studies look for by name."""

    def task(self, name: str | Path) -> Task:
        return load_task(name)

    def task_names(self) -> list[str]:
        return task_names()

    def improver(self, name: str, store: str) -> tuple[str, Program]:
        """By name, file or run; a run is called by its whole id. Raises: ConfigError."""
        if name in improver_names() or Path(name).is_file():
            return name, load_improver(name)
        return _best_improver(name, store)


def _best_improver(run: str, store: str) -> tuple[str, Program]:
    """(run id, source) of the best improver of a run."""
    # A database is what most of those who look for a name have no use for.
    from selftaught.analysis.recorded_run import STANDING_KINDS, standing
    from selftaught.analysis.run_head import read_head
    from selftaught.journal.reader import open_reader

    try:
        with open_reader(store) as reader:
            run_id = reader.resolve_run(run)
            head = read_head(reader, run_id)
            best = standing(reader.events(run_id, STANDING_KINDS)).best
            source = None if best is None else reader.text(best)
    except ConfigError as error:
        names = ", ".join(improver_names())
        raise ConfigError(
            f"unknown improver {run!r}: it is no name ({names}), no file, and no run ({error})"
        ) from None
    if source is None or not find_study(head.command).improves_improvers:
        raise ConfigError(f"run {run_id} has no improver to begin with")
    return run_id, Program(source, IMPROVER_ENTRY)

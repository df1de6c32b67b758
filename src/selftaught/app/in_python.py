"""The public functions' arguments, as what studies take; and what a script or notebook is told of a
run: bars or lines, its callback, what Ctrl-C kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from rich.console import Console

from selftaught.app.discovery import load_task
from selftaught.app.progress import shown, tell
from selftaught.app.tally import Tally
from selftaught.core.blame import own_place, words_of
from selftaught.core.budget import Budget, ImproverLimits
from selftaught.core.errors import ConfigError
from selftaught.core.language_model import ModelFunction
from selftaught.core.program import Program, read_program
from selftaught.core.progress import Listener, Progress
from selftaught.core.task import Task
from selftaught.models.python_function import name_of
from selftaught.pages import words
from selftaught.studies.models_config import ProviderConfig
from selftaught.studies.next_command import next_call


@contextmanager
def in_python(
    show: bool | None, on_event: Listener | None, store: str, function: str, first: Listener
) -> Iterator[Listener]:
    """A listener of a public function; whoever stops that is told what was kept.

    Args:
        show: None for bars on a terminal, lines in a notebook, and elsewhere what is waited for.
    Raises: ConfigError if `on_event` raises, in the run, which that ends.
    """
    tally = Tally()
    with contextlib.ExitStack() as stack:
        listeners: list[Listener] = [first, tally.add]
        if show is not False:
            console = Console(stderr=True, markup=False, emoji=False, highlight=False)
            everything = show is True or type(sys.stderr).__module__.startswith("ipykernel")
            display = shown(tally, console, transient=True, everything=everything)
            listeners = [first, stack.enter_context(display)]
        if on_event is not None:
            listeners.append(_once_raising(on_event))

        def listen(progress: Progress) -> None:
            for listener in listeners:
                listener(progress)

        try:
            yield listen
        except asyncio.CancelledError:
            stack.close()
            said = kept(tally, lambda run_id: next_call(function, run_id, store))
            tell(f"selftaught: {said}")
            raise


def _once_raising(on_event: Listener) -> Listener:
    """The user's callback, until it raises, which is the user's error."""
    has_raised = False

    def listen(progress: Progress) -> None:
        nonlocal has_raised
        if has_raised:
            return
        try:
            on_event(progress)
        except BaseException as error:
            has_raised = True
            place = own_place(traceback.extract_tb(error.__traceback__))
            where = "" if place is None else f" ({place[0]}:{place[1]})"
            raise ConfigError(f"on_event raised {words_of(error)}{where}") from error

    return listen


def kept(tally: Tally, resume: Callable[[str], str]) -> str:
    """What a run that was stopped has kept, and how to go on with it."""
    if tally.run_id is None:
        return "stopped before anything was written; guests are gone"
    complete = [words.counted(tally.model_calls, "model call")]
    if tally.steps is not None:
        complete.insert(0, words.counted(len(tally.iterations), "iteration"))
    return (
        f"stopped: run {tally.run_id} kept what was complete: {', '.join(complete)}; "
        f"guests are gone; go on with: {resume(tally.run_id)}"
    )


TaskLike = Task | str | Path
ModelLike = str | ModelFunction | Sequence[str] | Mapping[str, Any]


def model_name(model: ModelLike) -> Any:
    """As a configuration has it. Raises: ConfigError."""
    if isinstance(model, (str, list, tuple, Mapping)):
        return model
    if not callable(model):
        raise ConfigError(
            "model must be `provider:model` or a function of a Prompt, or several names, "
            f"not {model!r}"
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
        return read_program(program, task.entry)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read the program {program}: {error}") from None

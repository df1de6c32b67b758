"""Where another process finds a task: what is sent there names it so, and does not hold it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from selftaught.core.blame import words_of
from selftaught.core.errors import ConfigError, InfrastructureError
from selftaught.core.task import Task

_OF_A_FILE = "selftaught_task_"


def module_of_file(path: Path) -> ModuleType:
    """A Python file run as a module of its own, which nothing else imports.

    Modules beside it can be imported from now on, where no other has their name.

    Raises: ImportError if it is not one; whatever it raises.
    """
    name = f"{_OF_A_FILE}{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise ImportError("it is not a Python file")
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def refuse_while_loading() -> None:
    """A task's file that starts a run where it is loaded would start another within the first.

    Raises: ConfigError if who calls is such a file, with the line to change.
    """
    for frame, line in traceback.walk_stack(None):
        of = frame.f_globals.get("__name__", "")
        if frame.f_code.co_name == "<module>" and of.startswith(_OF_A_FILE):
            raise ConfigError(
                f"line {line} starts a run while the file is loaded for its task: put that line "
                'under `if __name__ == "__main__":`'
            )


@dataclass(frozen=True, slots=True)
class TaskPlace:
    """A module, or a file, that holds a task.

    Attributes:
        file: that of a module that can only be had by its file; else None.
        attribute: the task's name in it.
        version: that task's, which the one found there must have.
        changes: fields of a task that was made from it, such as a seed that the model wrote.
    """

    module: str
    file: Path | None
    attribute: str
    version: str
    changes: Mapping[str, Any]

    def task(self) -> Task:
        """The task; its module is loaded unless it has been.

        Raises: InfrastructureError if it cannot be had here, or is of another version.
        """
        found = self._in(sys.modules.get(self.module))
        if found is None:
            found = self._in(self._loaded())
        if found is None:
            raise InfrastructureError(
                f"{self} does not have the version of the task that is asked for "
                f"({self.version}): all machines must have the same files"
            )
        return replace(found, **self.changes) if self.changes else found

    def __str__(self) -> str:
        return f"{self.file or self.module}, `{self.attribute}`,"

    def _in(self, module: ModuleType | None) -> Task | None:
        task = getattr(module, self.attribute, None)
        return task if isinstance(task, Task) and task.version == self.version else None

    def _loaded(self) -> ModuleType:
        try:
            if self.file is None:
                return importlib.import_module(self.module)
            return module_of_file(self.file)
        except (Exception, SystemExit) as error:
            raise InfrastructureError(f"{self} cannot be loaded: {words_of(error)}") from error


def place_of(task: Task) -> TaskPlace:
    """Where the task is, if it or what it was made from by `replace` is a variable of a module.

    Raises: ConfigError if it is not.
    """
    own = sys.modules.get(getattr(task.function, "__module__", None) or "")
    for module in (own, *list(sys.modules.values())):
        # What stands in a script or a notebook is nowhere else under that name.
        if not isinstance(module, ModuleType) or module.__name__ == "__main__":
            continue
        for attribute, value in list(vars(module).items()):
            if type(value) is Task and value.utility is task.utility and value.name == task.name:
                name = module.__name__
                file = Path(module.__file__ or "") if name.startswith(_OF_A_FILE) else None
                return TaskPlace(name, file, attribute, value.version, _changes(value, task))
    raise ConfigError(
        f"task {task.name}: it cannot be sent to another process, because no module holds it: "
        "define it as `task = st.Task(...)` in a file of its own"
    )


def _changes(before: Task, after: Task) -> dict[str, Any]:
    both = ((one.name, getattr(before, one.name), getattr(after, one.name)) for one in fields(Task))
    return {name: new for name, old, new in both if new is not old}

"""`selftaught improve`: the program of one task, improved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from selftaught.studies.common_config import BudgetConfig, CommonConfig
from selftaught.studies.settings import Setting
from selftaught.studies.study import Argument, Json, Study, late


@dataclass(frozen=True, kw_only=True)
class ImproveConfig(CommonConfig):
    """`selftaught improve`. The task is a name or a file; None if it was given from Python."""

    command: ClassVar[str] = "improve"
    task: str | None = None
    patience: Annotated[
        int | None, Setting("Stop after so many improver runs with nothing better.", ge=1)
    ] = None
    repeats: Annotated[int, Setting(ge=2)] = 20

    @property
    def task_names(self) -> tuple[str, ...]:
        return () if self.task is None else (self.task,)

    @property
    def is_budgeted(self) -> bool:
        return self.budget != BudgetConfig()


class ImproveStudy(Study[ImproveConfig]):
    config = ImproveConfig
    short_help = "Improve the program of one task."
    help = """Improve a task's program: improver runs, each from the best program so far.

The TASK is a name (see `selftaught tasks`) or a Python FILE with a `task` in it. The run
goes on until the budget or the patience is spent; with neither given, for one improver run.
"""
    argument = Argument("task", "TASK|FILE")
    nesting = 1
    function = "improve"
    writes = True
    stands = True
    finishes = True

    def again(self, config: Json) -> str:
        return super().again({**config, "task": config.get("task") or config["tasks"][0]})

    run = late("selftaught.studies.improve.run", "improve_run")
    page = late("selftaught.studies.improve.page", "page")
    result_of = late("selftaught.studies.improve.results", "improve_result")


study = ImproveStudy()

"""`selftaught improve`: the program of one task, improved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from selftaught.studies.common_config import BudgetConfig, CommonConfig
from selftaught.studies.settings import Setting
from selftaught.studies.study import Argument, Estimated, Json, Study, late

FEWEST_FINALISTS, MOST_FINALISTS = 2, 5
FEWEST_SETS, MOST_SETS = 5, 20


@dataclass(frozen=True, kw_only=True)
class ImproveConfig(CommonConfig):
    """`selftaught improve`. The task is a name or a file; None if it was given from Python."""

    command: ClassVar[str] = "improve"
    task: str | None = None
    patience: Annotated[
        int | None, Setting("Stop after so many improver runs with nothing better.", ge=1)
    ] = None
    target: Annotated[
        float | None,
        Setting(
            "End the search once a program scores so much on search.",
            unset="the best known or the top of the range, if there is one",
        ),
    ] = None
    confirm: Annotated[
        int | None,
        Setting(
            "Programs, the best on search, that are measured on val; the seed comes besides.",
            unset=f"{FEWEST_FINALISTS} to {MOST_FINALISTS}, the longer the search the more",
            ge=1,
        ),
    ] = None
    test_repeats: Annotated[
        int | None,
        Setting(
            "Sets of instances on test and, at most, on val.",
            unset=f"{FEWEST_SETS} to {MOST_SETS}, the longer the search the more",
            ge=2,
        ),
    ] = None
    # Of runs of older versions: five programs on so many sets each, and no target of their own.
    repeats: Annotated[int | None, Setting(ge=2)] = None

    @property
    def task_names(self) -> tuple[str, ...]:
        return () if self.task is None else (self.task,)

    @property
    def is_budgeted(self) -> bool:
        return self.budget != BudgetConfig()


class ImproveStudy(Study[ImproveConfig], Estimated[ImproveConfig]):
    config = ImproveConfig
    short_help = "Improve the program of one task."
    help = """Improve a task's program: improver runs, each from the best program so far.

The TASK is a name (see `selftaught tasks`) or a Python FILE with a `task` in it. The run
goes on until the budget or the patience is spent, or a program is good enough (--target); with
neither budget nor patience given, for one improver run. At the end the best programs are measured
on instances that the search never saw (--confirm, --test-repeats).
"""
    argument = Argument("task", "TASK|FILE")
    nesting = 1
    function = "improve"
    writes = True
    stands = True
    finishes = True

    def again(self, config: Json) -> str:
        return super().again({**config, "task": config.get("task") or config["tasks"][0]})

    steps = late("selftaught.studies.improve.run", "improve_steps")
    run = late("selftaught.studies.improve.run", "improve_run")
    page = late("selftaught.studies.improve.page", "page")
    result_of = late("selftaught.studies.improve.results", "improve_result")


study = ImproveStudy()

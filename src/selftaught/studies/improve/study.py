"""`selftaught improve`: the program of one task, improved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from selftaught.core.budget import ImproverLimits
from selftaught.studies.common_config import BudgetConfig, CommonConfig, LimitsConfig
from selftaught.studies.settings import Heading, Setting
from selftaught.studies.study import Argument, Estimated, Json, Study, late

FEWEST_FINALISTS, MOST_FINALISTS = 2, 5
FEWEST_SETS, MOST_SETS = 5, 20


# The improver that draws a run's whole budget in one improver run: it scores as it goes, and keeps
# all that it has found in mind.
DRAWS_ALL = "evolve"
_UNLIMITED = 1_000_000  # calls, where the ledger alone ends the run
_LONGEST_S = 86_400.0


@dataclass(frozen=True, kw_only=True)
class SearchLimits(LimitsConfig):
    """Each improver run's limits; None for what follows from the run's budget."""

    calls: Annotated[
        int | None,
        Setting(
            "Model calls.",
            unset=f"of {DRAWS_ALL} what the budget allows, without --patience; else 4",
            ge=1,
        ),
    ] = None
    utility_uses: Annotated[
        int | None,
        Setting("Programs that it may score.", unset="25, or what goes with --calls", ge=1),
    ] = None
    cpu_s: Annotated[
        float | None, Setting("CPU seconds of its own.", unset="60, or 15 a call", gt=0)
    ] = None


@dataclass(frozen=True, kw_only=True)
class ImproveConfig(CommonConfig):
    """`selftaught improve`. The task is a name or a file; None if it was given from Python."""

    command: ClassVar[str] = "improve"
    task: str | None = None
    improver: Annotated[
        str,
        Setting("Improver: a name, a file, or the best one of a run.", metavar="NAME|FILE|RUN"),
    ] = DRAWS_ALL
    limits: Annotated[SearchLimits, Setting(heading=Heading.LIMITS)] = SearchLimits()
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

    @property
    def whole(self) -> ImproverLimits | None:
        """Limits of the one improver run that draws the whole budget; None where there is none:
        with a patience, or of another improver, improver runs have limits of their own."""
        is_free = self.limits.calls is None and self.patience is None and self.is_budgeted
        if self.improver != DRAWS_ALL or not is_free:
            return None
        bounds = [one for one in (self.budget.lm_calls, self.budget.samples) if one is not None]
        calls = min(bounds, default=_UNLIMITED)
        each, usual = self.limits.samples_per_call, ImproverLimits()
        cpu_s = min(_LONGEST_S, max(1.0, calls / usual.calls) * usual.cpu_s)
        return self.limits.over(ImproverLimits(calls, each, calls * each + 1, cpu_s))


class ImproveStudy(Study[ImproveConfig], Estimated[ImproveConfig]):
    config = ImproveConfig
    short_help = "Improve the program of one task."
    help = f"""Improve a task's program: improver runs, each from the best program so far.

The TASK is a name (see `selftaught tasks`), a Python FILE with a `task` in it, or a folder with
such a task.py; or, with --openevolve, an evaluator of OpenEvolve's form and its program, and a
config.yaml. The run goes on until the budget or the patience is spent, or a program is good
enough (--target); with neither budget nor patience given, for one improver run. {DRAWS_ALL} draws
the whole budget in one improver run; other improvers, and all with --patience, begin again. At the
end the best programs are measured on instances that the search never saw (--confirm,
--test-repeats).
"""
    argument = Argument("task", "TASK|FILE")
    nesting = 1
    function = "improve"
    writes = True
    takes_evaluators = True
    stands = True
    finishes = True

    def again(self, config: Json) -> str:
        return super().again({**config, "task": config.get("task") or config["tasks"][0]})

    steps = late("selftaught.studies.improve.run", "improve_steps")
    run = late("selftaught.studies.improve.run", "improve_run")
    page = late("selftaught.studies.improve.page", "page")
    result_of = late("selftaught.studies.improve.results", "improve_result")


study = ImproveStudy()

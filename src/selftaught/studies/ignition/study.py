"""`selftaught ignition`: do later improvers make better improvers?"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from selftaught.studies.common_config import DEFAULT_STORE, DEFAULT_TASKS, CommonConfig
from selftaught.studies.settings import Section, Setting
from selftaught.studies.study import Argument, Asked, Estimated, Installed, Json, Study, late

if TYPE_CHECKING:
    from selftaught.journal.record import EventRecord

# Tasks that are taken for those that took no part, where none are given.
OTHER_TASKS = ("bin_packing", "maxcut", "parity_noiseless", "three_sat")
STAGES = ("early", "middle", "late")


@dataclass(frozen=True, kw_only=True)
class Lineage(Section):
    """A run, or files in its place: ids of its improvers at t = 0, at half of its steps, and at its
    end."""

    name: str
    early: str
    middle: str
    late: str

    @property
    def improvers(self) -> tuple[str, ...]:
        """Each once."""
        return tuple(dict.fromkeys((self.early, self.middle, self.late)))


@dataclass(frozen=True, kw_only=True)
class IgnitionRunsConfig(Section):
    """Improver runs a task."""

    search: Annotated[
        int | None,
        Setting(
            "In one meta-utility evaluation that an improver asks for.",
            option="--search-runs",
            unset="as in RUN",
            ge=1,
        ),
    ] = None
    test: Annotated[
        int, Setting("Of each child on hidden instances.", option="--test-runs", ge=2)
    ] = 5


@dataclass(frozen=True, kw_only=True)
class IgnitionConfig(CommonConfig):
    """`selftaught ignition`. It holds all that it needs of the runs that it follows.

    Attributes:
        origins: as they were given.
        took_part: names of the tasks of the runs.
        lineages: of those runs, each one observation.
        programs: sources of the improvers by their ids.
    """

    command: ClassVar[str] = "ignition"
    children: Annotated[int, Setting("Improvers that each improver proposes.", ge=1)] = 4
    samples: Annotated[
        int | None,
        Setting(
            "Responses for each child; improvers that take fewer are started again.",
            option="--child-samples",
            unset="calls x responses a call",
            ge=1,
        ),
    ] = None
    margin: Annotated[
        float,
        Setting("A gain that would matter, of values from 0 to 1: less is called absent.", gt=0),
    ] = 0.02
    other_tasks: Annotated[
        tuple[str, ...],
        Setting(
            "Tasks that took no part: names or Python files; may be given again.",
            metavar="TASK,...",
            unset=", ".join(OTHER_TASKS),
        ),
    ] = ()
    incumbent: Annotated[
        str,
        Setting(
            "The improver that all of them improve: a name, a file, or the best one of a run.",
            metavar="NAME|FILE|RUN",
        ),
    ] = "seed"
    runs: Annotated[IgnitionRunsConfig, Setting()] = IgnitionRunsConfig()
    origins: tuple[str, ...] = ()
    tasks: Annotated[
        tuple[str, ...],
        Setting(
            "Where files stand in place of RUNs, the tasks that are to have taken part: names or "
            "Python files; may be given again.",
            metavar="TASK,...",
            unset=", ".join(DEFAULT_TASKS),
        ),
    ] = ()
    took_part: tuple[str, ...] = ()
    lineages: tuple[Lineage, ...] = ()
    programs: dict[str, str] = field(default_factory=dict)

    @property
    def task_names(self) -> tuple[str, ...]:
        return self.tasks

    @property
    def child_samples(self) -> int:
        limits = self.limits.value()
        return self.samples or limits.calls * limits.samples_per_call

    @property
    def search_runs(self) -> int:
        assert self.runs.search is not None  # it was resolved
        return self.runs.search


class IgnitionStudy(Study[IgnitionConfig], Estimated[IgnitionConfig]):
    config = IgnitionConfig
    short_help = "Do later improvers make better improvers?"
    help = f"""Let early, middle and late improvers of RUNs propose improvers, and measure these.

The improvers that stood at t = 0, after half of the steps and at the end of each RUN propose
children from one common incumbent, with the same samples and scorings. Each child is measured on
hidden instances, of the tasks of the runs and of others. A RUN is one observation: what is told is
late minus early, with an interval over runs. RUN is a run's id, the start of it, or `latest`; of a
series all runs are taken. In place of a RUN there may be EARLY,LATE or EARLY,MIDDLE,LATE, names or
files of improvers. What is not given is as in the runs.
Without --other-tasks those are {", ".join(OTHER_TASKS)}, as far as they took no part.
"""
    argument = Argument("origins", "RUN...", many=True)
    no_options = frozenset({"improver"})
    follows = True
    unset: ClassVar[Mapping[str, str]] = {"model": "that of RUN"}

    def events(self) -> tuple[type[EventRecord], ...]:
        from selftaught.journal.ignition_events import IgnitionChild

        return (IgnitionChild,)

    def asked(self, given: Mapping[str, Any], installed: Installed) -> Asked[IgnitionConfig]:
        from selftaught.studies.ignition.origins import asked_of

        return asked_of(given.get("store", DEFAULT_STORE), given, installed)

    def again(self, config: Json) -> str:
        return f"selftaught {self.command} {shlex.join(config['origins'])}"

    steps = late("selftaught.studies.ignition.estimate", "ignition_steps")
    more = late("selftaught.studies.ignition.estimate", "ignition_size")
    run = late("selftaught.studies.ignition.run", "ignition")
    part = late("selftaught.studies.ignition.page", "ignition_section")
    result_of = late("selftaught.studies.ignition.results", "ignition_result")
    problems = late("selftaught.studies.ignition.results", "ignition_problems")


study = IgnitionStudy()

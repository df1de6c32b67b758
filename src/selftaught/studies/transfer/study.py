"""`selftaught transfer`: an improved improver on tasks that took no part."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from selftaught.core.errors import ConfigError
from selftaught.studies.common_config import DEFAULT_STORE, CommonConfig
from selftaught.studies.settings import Section, Setting
from selftaught.studies.study import Argument, Asked, Ended, Estimated, Installed, Json, Study

if TYPE_CHECKING:
    from selftaught.analysis.recorded_run import RecordedRun
    from selftaught.engine.context import RunContext
    from selftaught.journal.codec import Event
    from selftaught.journal.events import EventRecord
    from selftaught.pages import blocks
    from selftaught.pages.blocks import Page
    from selftaught.studies.rehearsals import Rehearsals, Step


@dataclass(frozen=True, kw_only=True)
class TransferRunsConfig(Section):
    """Paired runs of both improvers, a task."""

    test: Annotated[
        int, Setting("Paired runs of both improvers a task.", option="--test-runs", ge=2)
    ] = 15


@dataclass(frozen=True, kw_only=True)
class TransferConfig(CommonConfig):
    """`selftaught transfer`. It holds all that it needs of the STOP run that it follows.

    Attributes:
        origin: id of that run.
        took_part: names of its tasks.
        improved: source of its best improver; `improver` names the one that it began with.
    """

    command: ClassVar[str] = "transfer"
    tasks: Annotated[
        tuple[str, ...],
        Setting(
            "Names or Python files; may be given again.",
            metavar="TASK,...",
            unset="all that took no part in RUN",
        ),
    ] = ()
    allow_seen: Annotated[
        bool, Setting("Take tasks that took part in RUN, too; they are marked.")
    ] = False
    runs: Annotated[TransferRunsConfig, Setting()] = TransferRunsConfig()
    origin: str = ""
    took_part: tuple[str, ...] = ()
    improved: str = ""

    @property
    def task_names(self) -> tuple[str, ...]:
        return self.tasks


class TransferStudy(Study[TransferConfig], Estimated[TransferConfig]):
    config = TransferConfig
    short_help = "Measure an improved improver on tasks that took no part."
    help = """Measure the improver of a RUN on tasks that took no part, as in the paper's Table 1.

On each task: the seed program, what the improver that RUN began with makes of it, and what the
one at its end makes of it. Both search on the same instances and are judged on the same test
instances, run by run. The improver to begin with is also restarted until it has drawn as many
samples. What is not given is as in RUN: model, limits, sandbox and seed. RUN is a run's id, the
start of it, or `latest`.
"""
    argument = Argument("origin", "RUN")
    no_options = frozenset({"improver"})
    follows = True
    unset: ClassVar[Mapping[str, str]] = {"model": "that of RUN"}

    def events(self) -> tuple[type[EventRecord], ...]:
        from selftaught.journal.study_events import Transfer, TransferRestart

        return Transfer, TransferRestart

    def asked(self, given: Mapping[str, Any], installed: Installed) -> Asked[TransferConfig]:
        from selftaught.studies.transfer.origin import asked_of, find_origin

        origin = find_origin(given.get("store", DEFAULT_STORE), given["origin"])
        return asked_of(origin, given, installed)

    async def steps(self, rehearsals: Rehearsals, asked: Asked[TransferConfig]) -> list[Step]:
        from selftaught.studies.transfer.estimate import transfer_steps

        return await transfer_steps(rehearsals, asked)

    def check(self, asked: Asked[TransferConfig]) -> None:
        for task in asked.tasks:
            if task.minimize:
                raise ConfigError(
                    f"task {task.name} is minimised, and transfer compares no costs: give it a "
                    "task whose utility is higher if it is better"
                )

    async def run(
        self,
        context: RunContext,
        asked: Asked[TransferConfig],
        recorded: Callable[[], RecordedRun],
    ) -> Ended:
        from selftaught.studies.transfer.run import transfer

        return await transfer(context, asked)

    def page(self, result: Json | None, run: RecordedRun | None) -> Page:
        from selftaught.studies.transfer.page import page

        return page(result, run)

    def part(self, results: Sequence[Json]) -> blocks.Section:
        from selftaught.studies.transfer.page import transfer_section

        return transfer_section(results)

    def again(self, config: Json) -> str:
        tasks = shlex.quote(",".join(config["tasks"]))
        return f"selftaught {self.command} {config['origin']} --tasks {tasks}"

    def result_of(self, run: RecordedRun) -> dict[str, Any] | None:
        from selftaught.studies.transfer.results import transfer_result

        return transfer_result(run)

    def problems(self, event: Event, before: RecordedRun) -> Iterator[str]:
        from selftaught.studies.transfer.checks import transfer_problems

        return transfer_problems(event, before)


study = TransferStudy()

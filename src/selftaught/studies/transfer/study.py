"""`selftaught transfer`: an improved improver on tasks that took no part."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from selftaught.studies.common_config import DEFAULT_STORE, CommonConfig
from selftaught.studies.settings import Section, Setting
from selftaught.studies.study import Argument, Asked, Estimated, Installed, Json, Study, late

if TYPE_CHECKING:
    from selftaught.journal.record import EventRecord


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
    missing = "No transfer to other tasks was measured."
    unset: ClassVar[Mapping[str, str]] = {"model": "that of RUN"}

    def events(self) -> tuple[type[EventRecord], ...]:
        from selftaught.journal.study_events import Transfer, TransferRestart

        return Transfer, TransferRestart

    def asked(self, given: Mapping[str, Any], installed: Installed) -> Asked[TransferConfig]:
        from selftaught.studies.transfer.origin import asked_of, find_origin

        origin = find_origin(given.get("store", DEFAULT_STORE), given["origin"])
        return asked_of(origin, given, installed)

    def again(self, config: Json) -> str:
        tasks = shlex.quote(",".join(config["tasks"]))
        return f"selftaught {self.command} {config['origin']} --tasks {tasks}"

    steps = late("selftaught.studies.transfer.run", "transfer_steps")
    run = late("selftaught.studies.transfer.run", "transfer")
    part = late("selftaught.studies.transfer.page", "transfer_section")
    result_of = late("selftaught.studies.transfer.results", "transfer_result")
    problems = late("selftaught.studies.transfer.results", "transfer_problems")


study = TransferStudy()

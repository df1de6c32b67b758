"""The configuration of each study: each setting of its own is declared here, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

from selftaught.app.common_config import CommonConfig
from selftaught.app.settings import Heading, Section, Setting

if TYPE_CHECKING:  # it loads numpy, for which a help page must not wait
    from selftaught.core.seeds import Stream

DEFAULT_TASKS = ("flow_shop", "descent", "local_cut")
AUDIT_IMPROVER = "the audit's own"

_ONE_TASK, _SEVERAL, _VAL, _TEST = 5, 3, 15, 30  # improver runs, as RunsConfig says


@dataclass(frozen=True, kw_only=True)
class RunsConfig(Section):
    """Improver runs a task for one meta-utility evaluation, on each stream.

    What is not set follows from the number of tasks: on search more for one task, as in the paper,
    than for each of several; on val and test what makes so many in all, and 2 a task.
    """

    search: Annotated[
        int | None,
        Setting(
            "On search.",
            option="--search-runs",
            unset=f"{_ONE_TASK} for one task, {_SEVERAL} each for several",
            ge=1,
        ),
    ] = None
    val: Annotated[
        int | None,
        Setting("On val.", option="--val-runs", unset=f"{_VAL} shared by all tasks", ge=2),
    ] = None
    test: Annotated[
        int | None,
        Setting("On test.", option="--test-runs", unset=f"{_TEST} shared by all tasks", ge=2),
    ] = None

    def resolved(self, tasks: int) -> dict[Stream, int]:
        """Runs a task on each stream, for so many tasks."""
        return {
            "search": self.search or (_ONE_TASK if tasks == 1 else _SEVERAL),
            "val": self.val or _share(_VAL, tasks),
            "test": self.test or _share(_TEST, tasks),
        }


def _share(total: int, tasks: int) -> int:
    return max(2, -(-total // tasks))


@dataclass(frozen=True, kw_only=True)
class RunConfig(CommonConfig):
    """`selftaught run`."""

    command: ClassVar[str] = "run"
    tasks: tuple[str, ...] = DEFAULT_TASKS
    iterations: Annotated[int, Setting("Steps T of Algorithm 1.", ge=1)] = 4
    accept: Annotated[
        Literal["strict", "revert", "paper"],
        Setting(
            "Adopt a proposal if it is better on val (strict), if it is worth anything (revert), "
            "or always (paper)."
        ),
    ] = "strict"
    runs: Annotated[RunsConfig, Setting(heading=Heading.RUNS)] = RunsConfig()
    repeats: Annotated[
        int,
        Setting(
            "Independent runs, with seeds one after another, that share the budget; at the end "
            "comes the learning curve over all of them.",
            ge=1,
            le=1000,
        ),
    ] = 1
    # Each of them takes about as many samples again.
    baselines: Annotated[
        bool | None,
        Setting(
            "Compare the final improver also to chain of thought, greedy iteration and best of n, "
            "at as many samples. By default so with --repeats above 1."
        ),
    ] = None

    @property
    def task_names(self) -> tuple[str, ...]:
        return self.tasks

    @property
    def with_baselines(self) -> bool:
        return self.repeats > 1 if self.baselines is None else self.baselines


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
    runs: Annotated[TransferRunsConfig, Setting()] = TransferRunsConfig()
    origin: str = ""
    took_part: tuple[str, ...] = ()
    improved: str = ""

    @property
    def task_names(self) -> tuple[str, ...]:
        return self.tasks


@dataclass(frozen=True, kw_only=True)
class ProtocolTransferConfig(Section):
    """What is transferred to, and how often; all else is as in the run."""

    tasks: Annotated[tuple[str, ...], Setting(min_length=1)]
    runs: TransferRunsConfig = TransferRunsConfig()


@dataclass(frozen=True, kw_only=True)
class ProtocolConfig(Section):
    """`selftaught reproduce`: runs of STOP, then transfer of the best improver.

    Attributes:
        about: what it shows and what it does not, for whoever reads its results.
        run: its budget is that of the whole protocol.
    """

    about: str = ""
    run: RunConfig
    transfer: ProtocolTransferConfig


@dataclass(frozen=True, kw_only=True)
class AuditConfig(CommonConfig):
    """`selftaught audit sandbox`.

    Attributes:
        tasks, runs: of the meta-utility that the improver is told of.
    """

    command: ClassVar[str] = "audit"
    improver: str = AUDIT_IMPROVER
    samples: Annotated[int, Setting("Proposals to draw.", ge=1)] = 10_000
    warning: Annotated[
        Literal["without", "with", "both"],
        Setting(
            "Whether the improver is warned of switching the sandbox off; both: half of the "
            "samples each."
        ),
    ] = "both"
    tasks: tuple[str, ...] = DEFAULT_TASKS
    runs: RunsConfig = RunsConfig()

    @property
    def task_names(self) -> tuple[str, ...]:
        return self.tasks


StudyConfig: TypeAlias = RunConfig | ImproveConfig | TransferConfig | AuditConfig
STUDIES: Mapping[str, type[StudyConfig]] = {
    kind.command: kind for kind in (RunConfig, ImproveConfig, TransferConfig, AuditConfig)
}

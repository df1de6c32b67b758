"""What the configurations of all studies share: each setting is declared here, once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, TypeAlias

from selftaught.core.budget import LEAST_MEMORY_BYTES, Budget, ImproverLimits
from selftaught.studies.models_config import AskedModel, ProviderConfig, asked_models, read_models
from selftaught.studies.settings import Heading, Section, Setting

if TYPE_CHECKING:  # they load numpy, for which a help page must not wait
    from selftaught.core.ports import GuestLimits
    from selftaught.core.seeds import Stream

DEFAULT_MODEL = "local:mutator"
DEFAULT_TASKS = ("flow_shop", "descent", "local_cut")
DEFAULT_STORE = "sqlite:///selftaught.db"

Tier: TypeAlias = Literal["auto", "namespaced", "sealed"]
_STRONGEST = "Sandbox; auto takes the strongest that works here."
_LIMITS = ImproverLimits()
_ONE_TASK, _SEVERAL, _VAL, _TEST = 5, 3, 15, 30  # improver runs, as RunsConfig says


@dataclass(frozen=True, kw_only=True)
class BudgetConfig(Section):
    """The whole run's limits."""

    lm_calls: Annotated[int | None, Setting("Calls of the language model.", ge=1)] = None
    samples: Annotated[int | None, Setting("Responses drawn.", ge=1)] = None
    tokens: Annotated[int | None, Setting("Input and output tokens.", ge=1)] = None
    usd: Annotated[float | None, Setting("Money, US dollars.", gt=0)] = None
    wall_s: Annotated[float | None, Setting("Seconds by the clock.", gt=0)] = None

    def value(self) -> Budget:
        return Budget(**asdict(self))


@dataclass(frozen=True, kw_only=True)
class LimitsConfig(Section):
    """Each improver run's limits."""

    calls: Annotated[int | None, Setting("Model calls.", ge=1)] = _LIMITS.calls
    samples_per_call: Annotated[int, Setting("Responses a model call.", ge=1)] = (
        _LIMITS.samples_per_call
    )
    utility_uses: Annotated[int | None, Setting("Programs that it may score.", ge=1)] = (
        _LIMITS.utility_uses
    )
    cpu_s: Annotated[float | None, Setting("CPU seconds of its own.", gt=0)] = _LIMITS.cpu_s

    def value(self) -> ImproverLimits:
        return self.over(_LIMITS)

    def over(self, others: ImproverLimits) -> ImproverLimits:
        """These limits, and the others where one is None."""
        return replace(others, **{n: v for n, v in asdict(self).items() if v is not None})


@dataclass(frozen=True, kw_only=True)
class SandboxConfig(Section):
    """Limits of each guest, candidates and improvers alike."""

    cpu_s: Annotated[
        float,
        Setting(
            "CPU seconds of a call, where the utility sets none.",
            option="--call-cpu-s",
            gt=0,
            le=86_400,
        ),
    ] = 1.0
    wall_s: Annotated[
        float | None,
        Setting(
            "Seconds of a call by the clock.",
            option="--call-wall-s",
            unset="10 x its CPU, at least 5",
            gt=0,
            le=864_000,
        ),
    ] = None
    memory_mb: Annotated[
        int, Setting("Address space.", ge=LEAST_MEMORY_BYTES >> 20, le=1 << 20)
    ] = 1024
    threads: Annotated[int, Setting("Threads.", ge=1, le=1024)] = 32
    output_mb: Annotated[float, Setting("What it may print.", gt=0, le=1024)] = 1.0
    answer_mb: Annotated[float, Setting("The longest answer or request.", gt=0, le=1024)] = 16.0
    tmpdir_mb: Annotated[
        int,
        Setting(
            "A private temporary folder of this size for candidates; 0 for none.",
            ge=0,
            le=1 << 20,
        ),
    ] = 0
    modules: Annotated[
        tuple[str, ...],
        Setting(
            "A module or package that it can import besides; may be given again.",
            option="--module",
            metavar="NAME",
        ),
    ] = ()

    def limits(self) -> GuestLimits:
        from selftaught.core.ports import GuestLimits

        return GuestLimits(
            cpu_s=self.cpu_s,
            memory_bytes=self.memory_mb << 20,
            threads=self.threads,
            frame_bytes=int(self.answer_mb * (1 << 20)),
            output_bytes=int(self.output_mb * (1 << 20)),
            wall_s=self.wall_s,
        )


@dataclass(frozen=True, kw_only=True)
class ScoreConfig(Section):
    """What every evaluation follows from, besides its task."""

    seed: Annotated[int, Setting("Of everything random.", ge=0)] = 0
    sandbox: Annotated[SandboxConfig, Setting(heading=Heading.SANDBOX)] = SandboxConfig()
    instance_key: Annotated[
        str | None,
        Setting(
            "Instances derive from it and the seed; public: from the seed alone.",
            heading=Heading.MACHINE,
            metavar="KEY",
            unset="one of your own",
            min_length=1,
            max_length=200,
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class ServerConfig(ProviderConfig):
    """How a model is served to other tools."""

    port: Annotated[
        int, Setting("Port to listen on; 0 for a free one.", metavar="P", ge=0, le=65535)
    ] = 8000
    host: Annotated[str, Setting("Address to listen on.", metavar="HOST")] = "127.0.0.1"
    tier: Annotated[Tier, Setting(_STRONGEST)] = "auto"
    slots: Annotated[
        int | None, Setting("Guests at a time, for local:mutator.", unset="one a core", ge=1)
    ] = None


@dataclass(frozen=True, kw_only=True)
class CommonConfig(ScoreConfig, ProviderConfig):
    """What studies share: what is configured of every run in a store.

    `command` names the kind of run in the journal.
    """

    command: ClassVar[str]
    model: Annotated[
        str | dict[str, Any],
        Setting(
            "Language model; may be given again, with a share as in NAME=3.",
            metavar="PROVIDER:NAME",
            read=read_models,
        ),
    ] = DEFAULT_MODEL
    improver: Annotated[
        str,
        Setting(
            "Improver to begin with: a name, a file, or the best one of a run.",
            metavar="NAME|FILE|RUN",
        ),
    ] = "seed"
    store: Annotated[
        str, Setting("Where runs are kept.", heading=Heading.MACHINE, metavar="URL")
    ] = DEFAULT_STORE
    seed_may_fail: Annotated[
        bool,
        Setting("Begin also with a first program that fails; else it is refused, with its reason."),
    ] = False
    prompt_kb: Annotated[
        int, Setting("Size of a prompt, in KiB.", heading=Heading.LIMITS, ge=1, le=16_384)
    ] = 256
    tier: Annotated[Tier, Setting(_STRONGEST, heading=Heading.MACHINE)] = "auto"
    slots: Annotated[
        int | None,
        Setting("Candidates at a time.", heading=Heading.MACHINE, unset="one a core", ge=1),
    ] = None
    utility_threads: Annotated[
        int | None,
        Setting(
            "Utilities at a time; 1 for one that nothing may run beside.",
            heading=Heading.MACHINE,
            unset="one a candidate",
            ge=1,
        ),
    ] = None
    budget: Annotated[BudgetConfig, Setting(heading=Heading.BUDGET)] = BudgetConfig()
    limits: Annotated[LimitsConfig, Setting(heading=Heading.LIMITS)] = LimitsConfig()

    @property
    def task_names(self) -> tuple[str, ...]:
        """Of the tasks, by name or file, as they were given; none if they came from Python."""
        return ()

    @property
    def models(self) -> dict[str, AskedModel]:
        """The run's models by their names. Raises: ConfigError."""
        return asked_models(self.model, self)

    @property
    def model_label(self) -> str:
        """The models in a line, with their shares."""
        listed = self.models.items()
        return ", ".join(f"{n}={one.weight:g}" if one.weight != 1 else n for n, one in listed)

    def settled(self, tasks: int) -> Self:
        """With what follows from the number of tasks, as the run's head says it."""
        return self


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

"""Configuration: from TOML, the command line and Python, validated in one place."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from selftaught.core.budget import Budget, ImproverLimits
from selftaught.core.errors import ConfigError
from selftaught.core.language_model import ModelSettings
from selftaught.core.ports import LEAST_MEMORY_BYTES, GuestLimits
from selftaught.core.seeds import Stream

DEFAULT_MODEL = "local:mutator"
DEFAULT_STORE = "sqlite:///selftaught.db"
DEFAULT_TASKS = ("flow_shop", "descent", "local_cut")
AUDIT_IMPROVER = "the audit's own"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class BudgetConfig(_Section):
    """The whole run's limits."""

    lm_calls: int | None = Field(None, gt=0)
    samples: int | None = Field(None, gt=0)
    tokens: int | None = Field(None, gt=0)
    usd: float | None = Field(None, gt=0, allow_inf_nan=False)
    wall_s: float | None = Field(None, gt=0, allow_inf_nan=False)

    def value(self) -> Budget:
        return Budget(**self.model_dump())


class LimitsConfig(_Section):
    """Each improver run's limits."""

    calls: int = Field(4, ge=1)
    samples_per_call: int = Field(6, ge=1)
    utility_uses: int = Field(25, ge=1)
    cpu_s: float = Field(60.0, gt=0, allow_inf_nan=False)

    def value(self) -> ImproverLimits:
        return ImproverLimits(**self.model_dump())


class SandboxConfig(_Section):
    """Limits of each guest, candidates and improvers alike.

    Attributes:
        cpu_s: CPU seconds of a candidate's call for which its utility says nothing else.
        wall_s: seconds by the clock that a call may take at most; by default 10 times its CPU
            seconds, and 5 at least.
        memory_mb: address space.
        threads: threads at a time.
        output_mb: what a guest may print.
        answer_mb: the longest answer, or request, of a guest.
        tmpdir_mb: size of a candidate's private temporary folder; 0 for none.
        modules: modules and packages that guests can import besides the usual ones.
    """

    cpu_s: float = Field(1.0, gt=0, le=86_400, allow_inf_nan=False)
    wall_s: float | None = Field(None, gt=0, le=864_000, allow_inf_nan=False)
    memory_mb: int = Field(1024, ge=LEAST_MEMORY_BYTES >> 20, le=1 << 20)
    threads: int = Field(32, ge=1, le=1024)
    output_mb: float = Field(1.0, gt=0, le=1024, allow_inf_nan=False)
    answer_mb: float = Field(16.0, gt=0, le=1024, allow_inf_nan=False)
    tmpdir_mb: int = Field(0, ge=0, le=1 << 20)
    modules: tuple[str, ...] = ()

    def limits(self) -> GuestLimits:
        return GuestLimits(
            cpu_s=self.cpu_s,
            memory_bytes=self.memory_mb << 20,
            threads=self.threads,
            frame_bytes=int(self.answer_mb * (1 << 20)),
            output_bytes=int(self.output_mb * (1 << 20)),
            wall_s=self.wall_s,
        )


class RunsConfig(_Section):
    """Improver runs a task for one meta-utility evaluation, on each stream.

    What is not set follows from the number of tasks: 5 on search for one task, as in the paper, and
    3 for several; on val and test what makes at least 15 and 30 in all, and 2 a task.
    """

    search: int | None = Field(None, ge=1)
    val: int | None = Field(None, ge=2)
    test: int | None = Field(None, ge=2)

    def resolved(self, tasks: int) -> dict[Stream, int]:
        """Runs a task on each stream, for so many tasks."""
        return {
            "search": self.search or (5 if tasks == 1 else 3),
            "val": self.val or _share(15, tasks),
            "test": self.test or _share(30, tasks),
        }


def _share(total: int, tasks: int) -> int:
    return max(2, -(-total // tasks))


class ScoreConfig(_Section):
    """What every evaluation follows from, besides its task."""

    seed: int = Field(0, ge=0)
    sandbox: SandboxConfig = SandboxConfig()
    instance_key: str | None = Field(None, min_length=1, max_length=200)


class ProviderConfig(_Section):
    """How the model's provider is asked.

    Attributes:
        base_url: of a server that speaks the provider's protocol.
        api_key_file: holds the key; only its owner may read it.
        max_tokens: output tokens a response at most.
        reasoning_effort: such as low, medium, high.
        model_args: further arguments of each request, sent as they are.
        price_in, price_out: USD per million tokens, where the price is not known or is another.
        request_timeout_s: seconds that one request may take.
        concurrency: requests at once, at most.
    """

    base_url: str | None = Field(None, min_length=1)
    api_key_file: Path | None = None
    max_tokens: int = Field(4096, ge=1)
    reasoning_effort: str | None = Field(None, min_length=1)
    model_args: dict[str, Any] = Field(default_factory=dict)
    price_in: float | None = Field(None, ge=0, allow_inf_nan=False)
    price_out: float | None = Field(None, ge=0, allow_inf_nan=False)
    request_timeout_s: float = Field(600.0, gt=0, allow_inf_nan=False)
    concurrency: int = Field(32, ge=1, le=1024)

    def settings(self) -> ModelSettings:
        return ModelSettings(
            base_url=self.base_url,
            api_key_file=self.api_key_file,
            reasoning_effort=self.reasoning_effort,
            args=self.model_args,
            price_in=self.price_in,
            price_out=self.price_out,
            timeout_s=self.request_timeout_s,
        )


class CommonConfig(ScoreConfig, ProviderConfig):
    """What studies share: what is configured of every run in a store.

    `command` names the kind of run, `task_names` its tasks, by name or file.
    """

    command: ClassVar[str]
    model: str = DEFAULT_MODEL
    improver: str = "seed"
    store: str = DEFAULT_STORE
    prompt_kb: int = Field(256, ge=1, le=16_384)
    tier: Literal["auto", "namespaced", "sealed"] = "auto"
    slots: int | None = Field(None, ge=1)
    budget: BudgetConfig = BudgetConfig()
    limits: LimitsConfig = LimitsConfig()


class RunConfig(CommonConfig):
    """`selftaught run`.

    Attributes:
        repeats: independent runs, with seeds one after another; the budget is that of all.
        baselines: whether the final improver is compared with the shipped baselines, which takes
            about as many samples again for each; by default where there are several runs.
    """

    command: ClassVar[str] = "run"
    tasks: tuple[str, ...] = DEFAULT_TASKS
    iterations: int = Field(4, ge=1)
    accept: Literal["strict", "revert", "paper"] = "strict"
    runs: RunsConfig = RunsConfig()
    repeats: int = Field(1, ge=1, le=1000)
    baselines: bool | None = None

    @property
    def task_names(self) -> tuple[str, ...]:
        return self.tasks

    @property
    def with_baselines(self) -> bool:
        return self.repeats > 1 if self.baselines is None else self.baselines


class ImproveConfig(CommonConfig):
    """`selftaught improve`. The task is a name or a file; None if it was given from Python."""

    command: ClassVar[str] = "improve"
    task: str | None = None
    patience: int | None = Field(None, ge=1)
    repeats: int = Field(20, ge=2)

    @property
    def task_names(self) -> tuple[str, ...]:
        return () if self.task is None else (self.task,)


class TransferRunsConfig(_Section):
    """Paired runs of both improvers, a task."""

    test: int = Field(15, ge=2)


class TransferConfig(CommonConfig):
    """`selftaught transfer`. It holds all that it needs of the STOP run that it follows.

    Attributes:
        origin: id of that run.
        took_part: names of its tasks.
        improved: source of its best improver; `improver` names the one that it began with.
    """

    command: ClassVar[str] = "transfer"
    tasks: tuple[str, ...] = ()
    runs: TransferRunsConfig = TransferRunsConfig()
    origin: str = ""
    took_part: tuple[str, ...] = ()
    improved: str = ""

    @property
    def task_names(self) -> tuple[str, ...]:
        return self.tasks


class ProtocolTransferConfig(_Section):
    """What is transferred to, and how often; all else is as in the run."""

    tasks: tuple[str, ...] = Field(min_length=1)
    runs: TransferRunsConfig = TransferRunsConfig()


class ProtocolConfig(_Section):
    """`selftaught reproduce`: runs of STOP, then transfer of the best improver.

    Attributes:
        about: what it shows and what it does not, for whoever reads its results.
        run: its budget is that of the whole protocol.
    """

    about: str = ""
    run: RunConfig
    transfer: ProtocolTransferConfig


class AuditConfig(CommonConfig):
    """`selftaught audit sandbox`.

    Attributes:
        samples: proposals to draw.
        warning: whether the improver is warned not to switch the sandbox off: without, with, or
            both, half of the samples each.
        tasks, runs: of the meta-utility that the improver is told of.
    """

    command: ClassVar[str] = "audit"
    improver: str = AUDIT_IMPROVER
    samples: int = Field(10_000, ge=1)
    warning: Literal["without", "with", "both"] = "both"
    tasks: tuple[str, ...] = DEFAULT_TASKS
    runs: RunsConfig = RunsConfig()

    @property
    def task_names(self) -> tuple[str, ...]:
        return self.tasks


StudyConfig: TypeAlias = RunConfig | ImproveConfig | TransferConfig | AuditConfig
STUDIES: Mapping[str, type[StudyConfig]] = {
    kind.command: kind for kind in (RunConfig, ImproveConfig, TransferConfig, AuditConfig)
}


C = TypeVar("C", bound=_Section)


def make_config(kind: type[C], values: dict[str, Any]) -> C:
    """A validated configuration.

    Raises: ConfigError in one line, that names the setting, what is wrong and the value.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise ConfigError(f"unknown setting {name!r}") from None
        said = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
        raise ConfigError(f"{name} must be {said}, not {first['input']!r}") from None


def read_toml(path: Path) -> dict[str, Any]:
    """The settings of a configuration file. Raises: ConfigError."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the configuration {path} is not TOML: {error}") from None


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`base` with what `over` sets; sections are merged, None sets nothing."""
    result = dict(base)
    for name, value in over.items():
        if isinstance(value, dict):
            section = result.get(name, {})
            if not isinstance(section, dict):
                raise ConfigError(f"{name} must be a table, not {section!r}")
            result[name] = merged(section, value)
        elif value is not None:
            result[name] = value
    return result

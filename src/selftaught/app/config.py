"""Configuration: from TOML, the command line and Python, validated in one place."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from selftaught.core.budget import Budget, ImproverLimits
from selftaught.core.errors import ConfigError
from selftaught.core.seeds import Stream

DEFAULT_MODEL = "local:mutator"
DEFAULT_STORE = "sqlite:///selftaught.db"
DEFAULT_TASKS = ("flow_shop", "descent", "local_cut")


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


class CommonConfig(_Section):
    """What `run` and `improve` share."""

    model: str = DEFAULT_MODEL
    improver: str = "seed"
    seed: int = Field(0, ge=0)
    store: str = DEFAULT_STORE
    max_tokens: int = Field(4096, ge=1)
    tier: Literal["auto", "namespaced", "sealed"] = "auto"
    slots: int | None = Field(None, ge=1)
    budget: BudgetConfig = BudgetConfig()
    limits: LimitsConfig = LimitsConfig()


class RunConfig(CommonConfig):
    """`selftaught run`."""

    tasks: tuple[str, ...] = DEFAULT_TASKS
    iterations: int = Field(4, ge=1)
    accept: Literal["strict", "revert", "paper"] = "strict"
    runs: RunsConfig = RunsConfig()


class ImproveConfig(CommonConfig):
    """`selftaught improve`."""

    patience: int | None = Field(None, ge=1)
    repeats: int = Field(20, ge=2)


C = TypeVar("C", bound=CommonConfig)


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

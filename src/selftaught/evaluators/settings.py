"""What of OpenEvolve's config.yaml has a meaning here."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from selftaught.core.errors import ConfigError

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_THRESHOLDS = (0.5, 0.75, 0.9)


@dataclass(frozen=True, slots=True)
class Settings:
    """A config, read.

    Attributes:
        run: settings of the run: its budget and seed.
        model: those of the model, which go together.
        timeout_s, thresholds: as of `OpenEvolve`.
        description: what a model is told of the task; "" for nothing.
        unused: what has no meaning here.
    """

    run: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    timeout_s: float | None = None
    thresholds: tuple[float, ...] | None = _THRESHOLDS
    description: str = ""
    unused: tuple[str, ...] = ()


NO_SETTINGS = Settings()


class _Taken:
    """A table of the file, from which settings are taken; what is left is not used."""

    def __init__(self, path: Path, name: str, values: Any) -> None:
        if not isinstance(values, Mapping):
            where = name.removesuffix(".") or "the file"
            raise ConfigError(f"config {path}: {where} must be a table, not {values!r}")
        self._path, self._name, self._values = path, name, dict(values)

    def take(self, name: str, kind: type | tuple[type, ...]) -> Any:
        """The value, None if there is none. Raises: ConfigError if it is of another kind."""
        value = self._values.pop(name, None)
        if value is not None and (
            not isinstance(value, kind) or isinstance(value, bool) != (kind is bool)
        ):
            raise ConfigError(f"config {self._path}: {self._name}{name} cannot be {value!r}")
        return value

    def table(self, name: str) -> _Taken:
        values = self._values.pop(name, None)
        return _Taken(self._path, f"{self._name}{name}.", {} if values is None else values)

    @property
    def is_silent(self) -> bool:
        return not self._values

    def left(self) -> Iterator[str]:
        for name in self._values:
            yield f"{self._name}{name}"


def read_config(path: Path) -> Settings:
    """The settings of a file. Raises: ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the config {path}: {error}") from None
    try:
        yaml: Any = importlib.import_module("yaml")
    except ImportError:
        raise ConfigError(
            f"{path.name} is YAML, for which PyYAML is needed: python -m pip install "
            '"selftaught[openevolve]"'
        ) from None
    try:
        values = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ConfigError(f"config {path} is not YAML: {' '.join(str(error).split())}") from None
    whole = _Taken(path, "", values)
    llm, evaluator, prompt = (whole.table(name) for name in ("llm", "evaluator", "prompt"))
    samples, seed = whole.take("max_iterations", int), whole.take("random_seed", int)
    cascade = evaluator.take("cascade_evaluation", bool)
    thresholds = evaluator.take("cascade_thresholds", list)
    timeout_s, model = evaluator.take("timeout", (int, float)), _model(llm)
    return Settings(
        run=_given(budget=_given(samples=samples), seed=seed),
        model=model,
        timeout_s=None if timeout_s is None else float(timeout_s),
        thresholds=None if cascade is False else tuple(map(float, thresholds or _THRESHOLDS)),
        description=prompt.take("system_message", str) or "",
        unused=tuple(name for table in (whole, llm, evaluator, prompt) for name in table.left()),
    )


def _model(llm: _Taken) -> dict[str, Any]:
    """Which models are asked, and how."""
    if llm.is_silent:
        return {}
    weights = {}
    for one in llm.take("models", list) or ():
        if not isinstance(one, Mapping) or not isinstance(one.get("name"), str):
            raise ConfigError(
                f"config: llm.models must be a list of tables with a name, not {one!r}"
            )
        weights[one["name"]] = float(one.get("weight", 1.0))
    for which, usual in (("primary_model", 1.0), ("secondary_model", 0.2)):
        name, weight = llm.take(which, str), llm.take(f"{which}_weight", (int, float))
        if name is not None and weight != 0:
            weights[name] = usual if weight is None else float(weight)
    key = _VARIABLE.fullmatch(llm.take("api_key", str) or "")
    temperature = llm.take("temperature", (int, float))
    given = _given(
        base_url=llm.take("api_base", str),
        max_tokens=llm.take("max_tokens", int),
        request_timeout_s=llm.take("timeout", (int, float)),
        reasoning_effort=llm.take("reasoning_effort", str),
        api_key_env=key and key[1],
        model_args=_given(temperature=temperature),
    )
    if not weights:
        raise ConfigError("config: llm names no model: give llm.models, or leave llm out")
    names = [f"openai:{name}" for name in weights]
    shares = dict(zip(names, weights.values(), strict=True))
    return {**given, "model": names[0] if len(names) == 1 else shares}


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, {})}

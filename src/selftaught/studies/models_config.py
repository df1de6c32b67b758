"""How a run's models are asked: one, or several with the share of each."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from selftaught.core.errors import ConfigError
from selftaught.studies.settings import Heading, Section, Setting, make_config

if TYPE_CHECKING:  # it loads numpy, for which a help page must not wait
    from selftaught.core.language_model import ModelSettings


@dataclass(frozen=True, kw_only=True)
class KeyConfig(Section):
    """Where the provider's key is."""

    heading: ClassVar = Heading.MODEL
    api_key_file: Annotated[
        Path | None, Setting("Holds the key; only you may read it.", unset="the environment")
    ] = None
    api_key_env: Annotated[
        str | None,
        Setting(
            "Variable that holds the key.",
            metavar="NAME",
            unset="that of the server's host, if it is known",
            min_length=1,
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class ProviderConfig(KeyConfig):
    """How the model's provider is asked."""

    heading: ClassVar = Heading.MODEL
    base_url: Annotated[
        str | None,
        Setting(
            "Server that speaks the provider's protocol, such as http://127.0.0.1:8000/v1.",
            metavar="URL",
            unset="the provider's own, or its environment variable",
            min_length=1,
        ),
    ] = None
    max_tokens: Annotated[int, Setting("Output tokens a response at most.", ge=1)] = 4096
    reasoning_effort: Annotated[
        str | None,
        Setting("Such as low, medium or high.", metavar="WORD", unset="the model's", min_length=1),
    ] = None
    model_args: Annotated[
        dict[str, Any],
        Setting(
            "A further argument of each request, V in JSON or a word; may be given again.",
            option="--model-arg",
        ),
    ] = field(default_factory=dict)
    price_in: Annotated[
        float | None,
        Setting("USD per million input tokens.", unset="the published price", ge=0),
    ] = None
    price_out: Annotated[
        float | None,
        Setting("USD per million output tokens.", unset="the published price", ge=0),
    ] = None
    request_timeout_s: Annotated[float, Setting("Seconds that one request may take.", gt=0)] = 600.0
    concurrency: Annotated[
        int,
        Setting(
            "Requests at once, at most; fewer while the provider says that it is too many.",
            ge=1,
            le=1024,
        ),
    ] = 32

    def settings(self) -> ModelSettings:
        from selftaught.core.language_model import ModelSettings

        return ModelSettings(
            base_url=self.base_url,
            api_key_file=self.api_key_file,
            api_key_env=self.api_key_env,
            reasoning_effort=self.reasoning_effort,
            args=self.model_args,
            price_in=self.price_in,
            price_out=self.price_out,
            timeout_s=self.request_timeout_s,
        )


@dataclass(frozen=True, slots=True)
class AskedModel:
    """One of a run's models: how its provider is asked, and its share of the responses."""

    provider: ProviderConfig
    weight: float = 1


def read_models(given: Any) -> str | dict[str, Any]:
    """One model by its name; several with what is said of each, a share or a table of settings.

    Raises: ConfigError.
    """
    if isinstance(given, (list, tuple)) and len(given) == 1:
        return read_models(given[0])
    if isinstance(given, str):
        return given
    found: dict[str, Any] = {}
    if isinstance(given, Mapping):
        found = dict(given)
    elif isinstance(given, (list, tuple)):
        for one in given:
            name, equals, weight = str(one).rpartition("=")
            is_share = equals and _SHARE.fullmatch(weight)
            found |= {name: float(weight)} if is_share else {str(one): 1.0}
        if len(found) < len(given):
            raise ConfigError(f"each model can be given once: {', '.join(map(str, given))}")
    for name, said in found.items():
        table = said if isinstance(said, Mapping) else {"weight": said}
        share = table.get("weight", 1)
        is_number = isinstance(share, (int, float)) and not isinstance(share, bool)
        if not (isinstance(name, str) and is_number and 0 <= share < math.inf):
            raise ConfigError(f"the share of model {name!r} must be a number from 0, not {share!r}")
        if needless := sorted(table.keys() - _OF_A_MODEL):
            raise ConfigError(f"unknown setting {needless[0]!r} of model {name!r}")
    if not found:
        raise ConfigError(f"model must be PROVIDER:NAME, or several of them, not {given!r}")
    return found


# max_tokens is the run's; all else may be another for each model.
_OF_A_MODEL = {"weight"} | {one.name for one in fields(ProviderConfig)} - {"max_tokens"}
_SHARE = re.compile(r"\d+(\.\d+)?")


def asked_models(given: str | Mapping[str, Any], provider: ProviderConfig) -> dict[str, AskedModel]:
    """By name, each with what holds for all where it says nothing else. Raises: ConfigError."""
    if isinstance(given, str):
        return {given: AskedModel(provider)}
    found = {}
    for name, said in given.items():
        table = dict(said) if isinstance(said, Mapping) else {"weight": said}
        weight = table.pop("weight", 1)
        of_all = {one.name: getattr(provider, one.name) for one in fields(ProviderConfig)}
        found[name] = AskedModel(make_config(ProviderConfig, of_all | table), weight)
    servers = {(name.partition(":")[0], one.provider.base_url) for name, one in found.items()}
    if len(servers) > 1 and (provider.base_url or provider.api_key_file or provider.api_key_env):
        raise ConfigError(
            "base_url and the key are of one server, and the models are of several: give "
            "them in the configuration file, in the table of each model"
        )
    return found

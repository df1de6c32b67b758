"""Settings: declared once, and the same as an option, as a key of the file and as an argument."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin

import click
import pytest

import selftaught as st
from selftaught.cli.audit import audit
from selftaught.cli.main import selftaught
from selftaught.cli.options import configured
from selftaught.core.errors import ConfigError
from selftaught.studies.common_config import CommonConfig
from selftaught.studies.improve.study import ImproveConfig
from selftaught.studies.models_config import ProviderConfig
from selftaught.studies.registry import studies
from selftaught.studies.settings import Declared, Section, as_json, declared, make_config
from selftaught.studies.stop.study import RunConfig

Kind = type[CommonConfig]
AUDITS = {"audit": audit.commands["sandbox"], "promotions": audit.commands["promotions"]}
COMMANDS = {**selftaught.commands, **AUDITS}
STUDIES = {name: study.config for name, study in studies().items()}
OTHERS = {bool: True, dict: {"top_k": 1}, Path: Path("key"), str: "other", tuple: ("one", "two")}

# The judge runs no programs, so that it has none of their limits.
FEWER = {"strategies": 11}


every_study = pytest.mark.parametrize("kind", STUDIES.values(), ids=list(STUDIES))


def parsed(kind: Kind, *typed: str) -> CommonConfig:
    """The configuration that a command makes of what is typed."""
    command = COMMANDS[kind.command]
    needed = [word.name or "" for word in command.params if word.required]
    words = [*needed, *typed]
    above = selftaught.make_context("selftaught", [kind.command])
    return configured(kind, command.make_context(kind.command, words, parent=above).params)


def options_of(kind: Kind) -> list[tuple[Declared, click.Option]]:
    """The settings that a command takes, with their options."""
    settings = {"__".join(one.path): one for one in declared(kind)}
    options = (one for one in COMMANDS[kind.command].params if isinstance(one, click.Option))
    return [(settings[one.name], one) for one in options if one.name in settings]


def other(one: Declared) -> Any:
    """A value that is allowed and not the default."""
    kind = get_origin(one.type) or one.type
    if kind is UnionType:
        kind = get_args(one.type)[0]
    if kind is Literal:
        return next(word for word in get_args(one.type) if word != one.default)
    if kind is tuple and get_args(one.type)[0] is int:
        return (1, 2)
    return OTHERS[kind] if kind in OTHERS else kind((one.default or 0) + 2)


def typed(option: click.Option, value: Any) -> list[str]:
    if value is True:
        return [option.opts[0]]
    if isinstance(value, dict):
        return [option.opts[0], ",".join(f"{name}={part}" for name, part in value.items())]
    return [option.opts[0], ",".join(map(str, value)) if isinstance(value, tuple) else str(value)]


def nested(one: Declared, value: Any) -> dict[str, Any]:
    """As in a file."""
    for name in reversed(one.path):
        value = {name: value}
    return dict(value)


@every_study
def test_what_an_option_sets_is_what_the_key_of_the_file_sets(kind: Kind) -> None:
    taken = options_of(kind)
    assert len(taken) > FEWER.get(kind.command, 30)
    for one, option in taken:
        value = other(one)
        config = parsed(kind, *typed(option, value))
        assert config == make_config(kind, nested(one, value)), one.path
        assert config != kind(), one.path


@every_study
def test_an_option_given_as_help_tells_its_default_changes_nothing(kind: Kind) -> None:
    words: list[str] = []
    for one, option in options_of(kind):
        told = re.search(r"\[default: (.*)\]", option.help or "")
        if told and one.default not in (None, ()) and told[1] != "that of RUN":
            words += [option.opts[0], told[1]]
    assert len(words) > FEWER.get(kind.command, 30)
    assert parsed(kind, *words) == kind()


@every_study
def test_a_value_out_of_bounds_is_refused_as_an_option_and_in_the_file(kind: Kind) -> None:
    tried = 0
    for one, option in options_of(kind):
        said = one.setting
        wrong = [said.gt, None if said.ge is None else said.ge - 1, said.le and said.le + 1]
        for value in (value for value in wrong if value is not None):
            tried += 1
            with pytest.raises(ConfigError, match=f"^{re.escape('.'.join(one.path))} must be "):
                make_config(kind, nested(one, value))
            with pytest.raises(click.BadParameter, match="is not in the range"):
                parsed(kind, option.opts[0], str(value))
    assert tried > FEWER.get(kind.command, 25)


@every_study
def test_a_configuration_that_was_written_is_read_as_it_was(kind: Kind) -> None:
    for one in declared(kind):
        config = make_config(kind, nested(one, other(one)))
        assert make_config(kind, as_json(config)) == config


_NOT_SETTINGS = {"task", "tasks", "provider", "resume", "finish", "progress", "on_event"}


@pytest.mark.parametrize(
    ("kind", "name"), [(ImproveConfig, "improve"), (RunConfig, "self_improve")]
)
def test_a_public_function_takes_the_settings_of_its_command(kind: Kind, name: str) -> None:
    signature = inspect.signature(getattr(st, name))
    arguments = signature.parameters
    provider = {field.name for field in fields(ProviderConfig)}
    settings = {one.path[0] for one in declared(kind)} - provider
    assert set(arguments) - _NOT_SETTINGS == settings
    defaults = kind()
    for setting in settings:
        default = getattr(defaults, setting)
        assert arguments[setting].default == (None if isinstance(default, Section) else default)
    assert inspect.signature(getattr(st, f"{name}_async")) == signature


@pytest.mark.parametrize("form", [st.score_async, st.improve_async, st.self_improve_async])
def test_an_async_form_is_known_as_one(form: Callable[..., Any]) -> None:
    assert inspect.iscoroutinefunction(form)
    assert form.__name__.endswith("_async")

"""The options of the commands, from the settings, and their help; what options and file set."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import click

from selftaught.core.errors import ConfigError
from selftaught.studies.common_config import DEFAULT_STORE
from selftaught.studies.settings import (
    Declared,
    Heading,
    Section,
    declared,
    make_config,
    merged,
    read_toml,
)

F = TypeVar("F", bound=Callable[..., Any])
S = TypeVar("S", bound=Section)

_DEFAULT_SECTION = Heading.OPTIONS


class OrderedGroup(click.Group):
    """A group that lists its commands in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


class SectionedOption(click.Option):
    """An option that is listed under a heading of its own."""

    def __init__(self, *args: Any, section: str = _DEFAULT_SECTION, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section


class SectionedCommand(click.Command):
    """A command whose help lists the options by section, in the order of the first of each."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {_DEFAULT_SECTION: []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if isinstance(parameter, click.Option) and record is not None:
                section = getattr(parameter, "section", _DEFAULT_SECTION)
                sections.setdefault(section, []).append(record)
        for name, records in sections.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)


def all_of(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator, in the order in which help lists them."""

    def decorate(command: F) -> F:
        for decorator in reversed(options):
            command = decorator(command)
        return command

    return decorate


def option(*names: str, section: str = _DEFAULT_SECTION, **settings: Any) -> Callable[[F], F]:
    """`click.option` under a heading."""
    return click.option(*names, cls=SectionedOption, section=section, **settings)


# --- options of several commands ----------------------------------------------------------------


detector_option = option(
    "--detector",
    "detectors",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Your own `def detect(program, trace)`, a list of st.Finding; may be given again.",
)
json_option = option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else."
)

reading_store_option = option(
    "--store",
    metavar="URL",
    default=DEFAULT_STORE,
    help=f"Where the runs are kept.  [default: {DEFAULT_STORE}]",
)

file_options = all_of(
    option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Settings in TOML; options win over them.",
    ),
    json_option,
)


# --- options of settings ------------------------------------------------------------------------


def setting_options(
    kind: type[Section],
    *,
    without: Collection[str] = (),
    unset: Mapping[str, str] | None = None,
) -> Callable[[F], F]:
    """The options of a configuration, under their headings.

    Args:
        without: settings that are no options of this command, such as `budget.samples`.
        unset: what holds if it is not given, by setting, where that is not the setting's default.
    """
    told = unset or {}
    settings = {".".join(one.path): one for one in declared(kind)}
    return all_of(
        *(_option(one, told.get(name)) for name, one in settings.items() if name not in without)
    )


def _option(one: Declared, unset: str | None) -> Callable[[F], F]:
    name = (one.setting.option or f"--{one.path[-1]}").replace("_", "-")
    if one.type is bool and one.default is None:
        name = f"{name}/--no-{name[2:]}"
    unset = unset or _told_default(one)
    return option(
        name,
        _parameter(one),
        section=one.heading,
        help=one.setting.help + (f"  [default: {unset}]" if unset else ""),
        **_taken(one),
    )


def _parameter(one: Declared) -> str:
    """The name that click gives to the value."""
    return "__".join(one.path)


def _told_default(one: Declared) -> str | None:
    if one.default in (None, (), {}) or one.default is False:
        return one.setting.unset
    if isinstance(one.default, tuple):
        return ",".join(map(str, one.default))
    return f"{one.default:g}" if isinstance(one.default, float) else str(one.default)


def _taken(one: Declared) -> dict[str, Any]:
    """What click is to take for a setting."""
    said, taken = one.setting, get_origin(one.type) or one.type
    if taken is bool:
        return {"default": None, "is_flag": True}
    if taken is Literal:
        return {"type": click.Choice(get_args(one.type))}
    if said.read is not None:
        return {"metavar": said.metavar, "multiple": True}
    if taken is tuple:
        return {"metavar": said.metavar, "multiple": True, "callback": _listed}
    if taken is dict:
        return {"metavar": "K=V", "multiple": True, "callback": _pairs}
    if taken is Path:
        return {"metavar": "FILE", "type": click.Path(path_type=Path)}
    if taken is int:
        bounds = click.IntRange(_whole(said.ge), _whole(said.le))
        return {"metavar": said.metavar or "N", "type": bounds}
    if taken is float:
        least = said.ge if said.gt is None else said.gt
        kind: Any = click.FLOAT
        if least is not None or said.le is not None:
            kind = click.FloatRange(least, said.le, min_open=said.gt is not None)
        return {"metavar": "S" if one.path[-1].endswith("_s") else "X", "type": kind}
    return {"metavar": said.metavar}


def _whole(bound: float | None) -> int | None:
    return None if bound is None else int(bound)


def _listed(context: click.Context, parameter: click.Parameter, value: Sequence[str]) -> Any:
    return tuple(name.strip() for part in value for name in part.split(",") if name.strip())


def _pairs(
    context: click.Context, parameter: click.Parameter, value: Sequence[str]
) -> dict[str, Any]:
    """`K=V` pairs, each V as JSON or, if it is none, as it stands."""
    found: dict[str, Any] = {}
    for pair in value:
        name, equals, text = pair.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"{pair!r} must be written K=V")
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found


# --- settings of options ------------------------------------------------------------------------


def configured(kind: type[S], options: Mapping[str, Any], **given: Any) -> S:
    """The configuration that the file and, over it, the options make.

    Args:
        options: values by click's names; None, and what is no setting, sets nothing.
    Raises: ConfigError.
    """
    return make_config(kind, merged(given_settings(kind, options), given))


def given_settings(kind: type[Section], options: Mapping[str, Any]) -> dict[str, Any]:
    """What the file and, over it, the options set, and nothing else; arguments as above."""
    path: Path | None = options.get("config")
    base: dict[str, Any] = {}
    if path is not None:
        base = read_toml(path)
        try:
            make_config(kind, base)
        except ConfigError as error:
            raise ConfigError(f"configuration {path}: {error}") from None
    return merged(base, settings(kind, options))


def settings(kind: type[Section], options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, nested as in a configuration file."""
    nested: dict[str, Any] = {}
    for one in declared(kind):
        value = options.get(_parameter(one))
        if value in (None, (), {}):
            continue
        *section, key = one.path
        place = nested
        for name in section:
            place = place.setdefault(name, {})
        place[key] = value
    return nested

"""Help pages whose commands stand in order, and whose options stand under headings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from selftaught.studies.settings import Heading

F = TypeVar("F", bound=Callable[..., Any])

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

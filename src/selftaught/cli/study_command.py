"""The command of a study, made from its record."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from selftaught.cli.edge import DONE
from selftaught.cli.options import (
    OrderedGroup,
    SectionedCommand,
    all_of,
    file_options,
    given_settings,
    option,
    setting_options,
)
from selftaught.cli.ui import beside_option, page_beside
from selftaught.core.errors import ConfigError
from selftaught.studies.next_command import next_command
from selftaught.studies.registry import find_study
from selftaught.studies.study import Estimated, Study

_estimate_option = option(
    "--estimate",
    is_flag=True,
    help="Print what it can take of the model at most, and what is likely, and spend nothing.",
)
out_options = all_of(
    option(
        "--out",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Write the best program there, also of a run that is stopped.",
    ),
    option("--force", is_flag=True, help="Let --out replace a file."),
)


def add_study(commands: click.Group, study: Study[Any], groups: Mapping[str, click.Group]) -> None:
    """Add the study's command; `audit sandbox` comes into the group `audit`."""
    *path, name = study.command.split()
    for group in path:
        if group not in commands.commands:
            commands.add_command(groups.get(group) or OrderedGroup(group))
        found = commands.commands[group]
        assert isinstance(found, click.Group)
        commands = found
    commands.add_command(study_command(study, name))


def unusable_command(name: str) -> click.Command:
    """Says what is wrong with a study that is installed, and cannot be used."""
    takes_anything = {"ignore_unknown_options": True, "allow_extra_args": True}

    def command() -> None:
        find_study(name)

    return click.command(
        name,
        short_help="Cannot be used; `selftaught doctor` says why.",
        context_settings=takes_anything,
        add_help_option=False,
    )(command)


def study_command(study: Study[Any], name: str) -> click.Command:
    """The command by itself."""
    argument = study.argument
    options: list[Callable[[Any], Any]] = [
        click.argument(
            argument.setting, metavar=argument.metavar, nargs=-1 if argument.many else 1
        ),
        setting_options(study.config, without=study.no_options, unset=study.unset),
        *((_estimate_option,) if isinstance(study, Estimated) else ()),
        *((out_options,) if study.writes else ()),
        *((beside_option,) if study.stands else ()),
        file_options,
    ]

    def command(
        as_json: bool,
        estimate: bool = False,
        out: Path | None = None,
        force: bool = False,
        with_ui: bool = False,
        **values: Any,
    ) -> int:
        from selftaught.app import core_thread
        from selftaught.app.discovery import Installed
        from selftaught.app.estimates import estimate_page, estimated
        from selftaught.app.series import run_repeated
        from selftaught.cli.execute import show_study
        from selftaught.cli.terminal import print_json, print_page

        given = given_settings(study.config, values)
        named = values[argument.setting]
        given |= {argument.setting: named} if named else {}
        asked = study.asked(given, Installed())
        check_out(out, force=force)
        store = asked.config.store
        if estimate:
            found = core_thread.run(estimated(asked))
            print_json(found) if as_json else print_page(estimate_page(found))
            return DONE

        def write(result: Mapping[str, Any]) -> None:
            if out is not None:
                write_out(out, result["best"]["source"], result["run_id"], store, force=force)

        with page_beside(store) if with_ui else nullcontext():
            return show_study(
                study,
                lambda listener: run_repeated(asked, listener),
                store,
                as_json=as_json,
                write=write,
            )

    for decorate in reversed(options):
        command = decorate(command)
    made = click.command(name, cls=SectionedCommand, short_help=study.short_help)(command)
    made.help = study.help
    return made


# --- the file of `--out`: checked before the run, written only when it ends ----------------------


def check_out(out: Path | None, *, force: bool) -> None:
    """Raises: ConfigError if the file could not be written; touches nothing."""
    if out is None:
        return
    if out.is_dir():
        raise ConfigError(f"--out {out} is a folder: give a file")
    if os.path.lexists(out) and not force:
        raise ConfigError(f"--out {out} exists: give another file, or --force to replace it")
    if not out.parent.is_dir():
        raise ConfigError(f"--out {out}: there is no folder {out.parent}")
    writable = out if out.exists() else out.parent
    if not os.access(writable, os.W_OK):
        raise ConfigError(f"--out {out} cannot be written: no permission")


def write_out(out: Path, source: str, kept: str, store: str, *, force: bool) -> None:
    """Write a program. Raises: ConfigError that says where the program is `kept`."""
    try:
        with out.open("w" if force else "x", encoding="utf-8", errors="surrogatepass") as file:
            file.write(source)
    except OSError as error:
        raise ConfigError(
            f"--out {out} cannot be written ({error.strerror}); the program is kept: "
            f"{next_command('show', kept, store)}"
        ) from None

"""The command of a study, made from its record."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
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
from selftaught.core.program import files_of
from selftaught.studies.next_command import next_command
from selftaught.studies.registry import find_study
from selftaught.studies.study import Estimated, Study
from selftaught_guest.files import MAIN

_estimate_option = option(
    "--estimate",
    is_flag=True,
    help="Print what it can take of the model at most, and what is likely, and spend nothing.",
)
_evaluator_option = option(
    "--openevolve",
    "files",
    nargs=2,
    type=click.Path(path_type=Path),
    metavar="FILE FILE",
    help="A program and its evaluator in OpenEvolve's form, run unchanged; a config.yaml may stand "
    "in the place of the TASK.",
)
out_options = all_of(
    option(
        "--out",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Write the best program there, also of a run that is stopped; one of several files as "
        "a folder.",
    ),
    option("--force", is_flag=True, help="Let --out replace a file, or those of a folder."),
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
            argument.setting,
            metavar=argument.metavar,
            nargs=-1 if argument.many else 1,
            required=not (argument.many or study.takes_evaluators),
        ),
        setting_options(study.config, without=study.no_options, unset=study.unset),
        *((_evaluator_option,) if study.takes_evaluators else ()),
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
        files: tuple[Path, Path] | None = None,
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
        if files is not None:
            given |= _of_evaluator((*files, *([Path(named)] if named else [])), given)
        elif study.takes_evaluators and not named:
            raise click.UsageError(f"missing argument {argument.metavar!r}")
        else:
            given |= {argument.setting: named} if named else {}
        asked = study.asked(given, Installed())
        tasks = () if out is None or study.improves_improvers else asked.tasks
        is_folder = any(files_of(task.seed_program().source) is not None for task in tasks)
        check_out(out, force=force, is_folder=is_folder)
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


def _of_evaluator(files: Sequence[Path], given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that follow from OpenEvolve's files, over which go those that were given."""
    from selftaught.cli.terminal import stderr
    from selftaught.evaluators.openevolve import task_name
    from selftaught.evaluators.settings import read_config
    from selftaught.studies.settings import merged

    name = task_name(files)
    if len(files) < 3:
        return {"task": name}
    found = read_config(files[2])
    if found.unused:
        said = f"selftaught: no use here for {', '.join(found.unused)} of {files[2]}"
        stderr().print(said, soft_wrap=True)
    model = {} if "model" in given else found.model
    return merged({**found.run, **model}, {**given, "task": name})


# --- the file of `--out`: checked before the run, written only when it ends ----------------------


def check_out(out: Path | None, *, force: bool, is_folder: bool | None = None) -> None:
    """Raises: ConfigError if the file could not be written; touches nothing.

    `is_folder`: whether the program has several files; None if that is not known yet.
    """
    if out is None:
        return
    if out.is_dir() and not (is_folder or (force and is_folder is None)):
        raise ConfigError(f"--out {out} is a folder: give a file")
    if is_folder and (out.suffix == ".py" or out.is_file()):
        raise ConfigError(f"--out {out}: the program has several files: give a folder")
    if os.path.lexists(out) and not force:
        raise ConfigError(f"--out {out} exists: give another file, or --force to replace it")
    if not out.parent.is_dir():
        raise ConfigError(f"--out {out}: there is no folder {out.parent}")
    writable = out if out.exists() else out.parent
    if not os.access(writable, os.W_OK):
        raise ConfigError(f"--out {out} cannot be written: no permission")


def write_out(out: Path, source: str, kept: str, store: str, *, force: bool) -> None:
    """Write a program, one of several files as a folder, in which other files stay as they are.

    Raises: ConfigError that says where the program is `kept`.
    """
    several = files_of(source) or ({MAIN: source} if out.is_dir() else {})
    try:
        if several:
            out.mkdir(exist_ok=force)
        for path, text in (several or {"": source}).items():
            place = out / path
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("w" if force else "x", encoding="utf-8", errors="surrogatepass") as to:
                to.write(text)
    except OSError as error:
        raise ConfigError(
            f"--out {out} cannot be written ({error.strerror}); the program is kept: "
            f"{next_command('show', kept, store)}"
        ) from None

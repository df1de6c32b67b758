"""`selftaught improve`: one program improved."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from selftaught.app.config import ImproveConfig
from selftaught.app.next_command import next_command
from selftaught.cli.options import configured, file_options, setting_options
from selftaught.cli.sections import SectionedCommand, option
from selftaught.core.errors import ConfigError


@click.command(cls=SectionedCommand, short_help="Improve the program of one task.")
@click.argument("task", metavar="TASK|FILE")
@setting_options(ImproveConfig)
@option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the best program there at the end.",
)
@option("--force", is_flag=True, help="Let --out replace a file.")
@file_options
def improve(task: str, as_json: bool, out: Path | None, force: bool, **options: Any) -> None:
    """Improve a task's program: improver runs, each from the best program so far.

    The TASK is a name (see `selftaught tasks`) or a Python FILE with a `task` in it. The run
    goes on until the budget or the patience is spent; with neither given, for one improver run.
    """
    from selftaught.app.compose import run_study
    from selftaught.app.discovery import load_task
    from selftaught.cli.execute import execute
    from selftaught.cli.improver import find_improver
    from selftaught.cli.report import print_result
    from selftaught.cli.terminal import print_json, stdout

    config = configured(ImproveConfig, options, task=task)
    found = load_task(task)
    _check_out(out, force=force)
    config, improver = find_improver(config)
    result = execute(
        lambda listener: run_study(config, [found], listener, improver),
        config.store,
        as_json=as_json,
    )
    if as_json:
        print_json(result)
    else:
        print_result(stdout(), config.command, result, config.store)
    _write_out(out, result, config.store, force=force)


# --- the file that --out writes: checked before the run, written only at its end ------------------


def _check_out(out: Path | None, *, force: bool) -> None:
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


def _write_out(out: Path | None, result: Mapping[str, Any], store: str, *, force: bool) -> None:
    """Write the best program. Raises: ConfigError that says where the program is kept."""
    if out is None:
        return
    try:
        with out.open("w" if force else "x", encoding="utf-8", errors="surrogatepass") as file:
            file.write(result["best"]["source"])
    except OSError as error:
        raise ConfigError(
            f"--out {out} cannot be written ({error.strerror}); the program is kept: "
            f"{next_command('show', result['run_id'], store)}"
        ) from None

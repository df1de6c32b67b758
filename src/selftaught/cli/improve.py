"""`selftaught improve`: one program improved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from selftaught.app.config import ImproveConfig
from selftaught.cli.options import configured, file_options, setting_options
from selftaught.cli.sections import SectionedCommand, option


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
    from selftaught.app.pages import end_page
    from selftaught.cli.execute import execute
    from selftaught.cli.improver import find_improver
    from selftaught.cli.out_file import check_out, write_out
    from selftaught.cli.terminal import print_json, print_page

    config = configured(ImproveConfig, options, task=task)
    found = load_task(task)
    check_out(out, force=force)
    config, improver = find_improver(config)
    result = execute(
        lambda listener: run_study(config, [found], listener, improver),
        config.store,
        as_json=as_json,
    )
    if as_json:
        print_json(result)
    else:
        print_page(end_page(config.command, result, config.store))
    write_out(out, result, config.store, force=force)

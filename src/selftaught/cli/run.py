"""`selftaught run`: STOP itself."""

from __future__ import annotations

from typing import Any

import click

from selftaught.app.config import DEFAULT_TASKS, RunConfig
from selftaught.cli.options import configured, file_options, listed, setting_options
from selftaught.cli.sections import SectionedCommand, option


@click.command(
    cls=SectionedCommand, short_help="Let an improver improve itself, and measure by how much."
)
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@setting_options(RunConfig)
@option(
    "--estimate",
    is_flag=True,
    help="Print what the run can take of the model at most, and what is likely, and spend nothing.",
)
@file_options
def run(tasks: tuple[str, ...], as_json: bool, estimate: bool, **options: Any) -> None:
    from selftaught.app import core_thread
    from selftaught.app.discovery import load_task
    from selftaught.app.estimates import estimate_run
    from selftaught.app.pages import end_page
    from selftaught.app.series import run_repeated
    from selftaught.cli.estimate import estimate_page
    from selftaught.cli.execute import execute
    from selftaught.cli.improver import find_improver
    from selftaught.cli.terminal import print_json, print_page

    config = configured(RunConfig, options, tasks=tasks or None)
    loaded = [load_task(name) for name in config.tasks]
    config, improver = find_improver(config)
    if estimate:
        estimated = core_thread.run(estimate_run(config, loaded, improver))
        print_json(estimated) if as_json else print_page(estimate_page(estimated))
        return
    result = execute(
        lambda listener: run_repeated(config, loaded, listener, improver),
        config.store,
        as_json=as_json,
    )
    if as_json:
        print_json(result)
    else:
        print_page(end_page(config.command, result, config.store))


run.help = f"""Run STOP: an improver improves itself, judged by what it reaches on the TASKs.

A TASK is a name (see `selftaught tasks`) or a Python file with a `task` in it; by default
{listed(DEFAULT_TASKS)}. At the end the final improver is compared on test instances, which no
improver ever saw, to the improver it began with.
"""

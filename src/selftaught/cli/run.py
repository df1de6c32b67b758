"""`selftaught run`: STOP itself."""

from __future__ import annotations

from typing import Any

import click

from selftaught.cli.options import DEFAULT_TASKS, common_options, configured, what_options
from selftaught.cli.sections import AT_LEAST_1, SectionedCommand, option

_RUNS = "Improver runs for each task, in one meta-utility evaluation"
_AT_LEAST_2 = click.IntRange(min=2)


@click.command(
    cls=SectionedCommand, short_help="Let an improver improve itself, and measure by how much."
)
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@what_options
@option("--iterations", type=AT_LEAST_1, metavar="N", help="Steps T of Algorithm 1.  [default: 4]")
@option(
    "--accept",
    type=click.Choice(["strict", "revert", "paper"]),
    help="Adopt a proposal if it is better on val (strict), if it is worth anything (revert), "
    "or always (paper).  [default: strict]",
)
@option(
    "--repeats",
    type=AT_LEAST_1,
    metavar="N",
    help="Independent runs, with seeds one after another, that share the budget; at the end comes "
    "the learning curve over all of them.  [default: 1]",
)
@option(
    "--baselines/--no-baselines",
    default=None,
    help="Compare the final improver also to chain of thought, greedy iteration and best of n, at "
    "as many samples. By default so with --repeats above 1.",
)
@option(
    "--estimate",
    is_flag=True,
    help="Print what the run can take of the model at most, and what is likely, and spend nothing.",
)
@option(
    "--search-runs",
    section=_RUNS,
    type=AT_LEAST_1,
    metavar="N",
    help="On search.  [default: 5 for one task, 3 each for several]",
)
@option(
    "--val-runs",
    section=_RUNS,
    type=_AT_LEAST_2,
    metavar="N",
    help="On val.  [default: 15 shared by all tasks]",
)
@option(
    "--test-runs",
    section=_RUNS,
    type=_AT_LEAST_2,
    metavar="N",
    help="On test.  [default: 30 shared by all tasks]",
)
@common_options
def run(as_json: bool, estimate: bool, **options: Any) -> None:
    from selftaught.app import core_thread
    from selftaught.app.config import RunConfig
    from selftaught.app.discovery import load_task
    from selftaught.app.estimates import estimate_run
    from selftaught.app.series import run_repeated
    from selftaught.cli.estimate import print_estimate
    from selftaught.cli.execute import execute
    from selftaught.cli.improver import find_improver
    from selftaught.cli.report import print_result
    from selftaught.cli.terminal import print_json, stdout

    config = configured(RunConfig, options)
    tasks = [load_task(name) for name in config.tasks]
    config, improver = find_improver(config)
    if estimate:
        estimated = core_thread.run(estimate_run(config, tasks, improver))
        print_json(estimated) if as_json else print_estimate(stdout(), estimated)
        return
    result = execute(
        lambda listener: run_repeated(config, tasks, listener, improver),
        config.store,
        as_json=as_json,
    )
    if as_json:
        print_json(result)
    else:
        print_result(stdout(), config.command, result, config.store)


run.help = f"""Run STOP: an improver improves itself, judged by what it reaches on the TASKs.

A TASK is a name (see `selftaught tasks`) or a Python file with a `task` in it; by default
{DEFAULT_TASKS}. At the end the final improver is compared on test instances, which no improver
ever saw, to the improver it began with.
"""

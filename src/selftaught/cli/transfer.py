"""`selftaught transfer`: an improved improver on tasks that took no part."""

from __future__ import annotations

from typing import Any

import click

from selftaught.app.common_config import DEFAULT_STORE
from selftaught.app.config import TransferConfig
from selftaught.cli.options import file_options, given_settings, setting_options
from selftaught.cli.sections import SectionedCommand, option


@click.command(
    cls=SectionedCommand,
    short_help="Measure an improved improver on tasks that took no part.",
)
@click.argument("run")
@setting_options(TransferConfig, without={"improver"}, unset={"model": "that of RUN"})
@option(
    "--allow-seen",
    is_flag=True,
    help="Take tasks that took part in RUN, too; they are marked.",
)
@option(
    "--estimate",
    is_flag=True,
    help="Print what it can take of the model at most, and what is likely, and spend nothing.",
)
@file_options
def transfer(run: str, allow_seen: bool, as_json: bool, estimate: bool, **options: Any) -> None:
    """Measure the improver of a RUN on tasks that took no part in it, as in the paper's Table 1.

    On each task: the seed program, what the improver that RUN began with makes of it, and what the
    one at its end makes of it. Both search on the same instances and are judged on the same test
    instances, run by run. The improver to begin with is also restarted until it has drawn as many
    samples. What is not given is as in RUN: model, limits, sandbox and seed. RUN is a run's id, the
    start of it, or `latest`.
    """
    from selftaught.app import core_thread
    from selftaught.app.compose import run_study
    from selftaught.app.estimates import estimate_transfer_run
    from selftaught.app.pages import end_page
    from selftaught.app.transfer import find_origin, transfer_config
    from selftaught.cli.estimate import estimate_page
    from selftaught.cli.execute import execute
    from selftaught.cli.terminal import print_json, print_page

    given = given_settings(TransferConfig, options)
    origin = find_origin(given.get("store", DEFAULT_STORE), run)
    config, tasks = transfer_config(origin, given, allow_seen=allow_seen)
    if estimate:
        estimated = core_thread.run(estimate_transfer_run(config, tasks, origin.seed))
        print_json(estimated) if as_json else print_page(estimate_page(estimated))
        return
    result = execute(
        lambda listener: run_study(config, tasks, listener, origin.seed),
        config.store,
        as_json=as_json,
    )
    page = end_page(config.command, result, config.store)
    print_json(result) if as_json else print_page(page)

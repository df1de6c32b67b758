"""`selftaught reproduce`: a whole published protocol."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from selftaught.cli.edge import DONE, Stopped
from selftaught.cli.options import SectionedCommand, file_options, option, setting_options, settings
from selftaught.studies.common_config import CommonConfig
from selftaught.studies.settings import as_json as config_json


@click.command(cls=SectionedCommand, short_help="Run a published protocol, from one file.")
@click.argument(
    "protocol",
    type=click.Choice(["paper", "ten_steps", "engine"]),
    metavar="paper|ten_steps|engine",
)
@setting_options(CommonConfig, without={"improver"})
@option(
    "--small",
    is_flag=True,
    help="The paper's with fewer and smaller runs: a quarter of an hour with local:mutator on two "
    "cores.",
)
@option(
    "--show",
    is_flag=True,
    help="Print the protocol as a file for --config, and do nothing; with --json, with all that "
    "the options set.",
)
@option(
    "--estimate",
    is_flag=True,
    help="Print what it can take of the model at most, and what is likely, and spend nothing.",
)
@file_options
def reproduce(
    protocol: str, small: bool, show: bool, estimate: bool, as_json: bool, **options: Any
) -> int:
    """Go through the protocol of the paper: independent runs of STOP on parity with noise, with the
    paper's limits, then transfer of the best improver to the paper's transfer tasks; at the end the
    paper's published values stand beside. `ten_steps` is one run of ten steps instead of four, and
    at the end the text of the improver that it came to. `engine` is a bench of `evolve`, and
    of what is left of it without each part of its prompts.

    Stopped, the same command goes on: what is in the store is not done again. The budget is that of
    the whole protocol.
    """
    from importlib import resources

    from selftaught.app import core_thread
    from selftaught.app import reproduce as protocols
    from selftaught.app.ablations import ablations_asked
    from selftaught.app.estimates import estimate_page, estimated
    from selftaught.app.protocol_page import protocol_page
    from selftaught.cli.execute import execute, show_study
    from selftaught.cli.terminal import print_json, print_page
    from selftaught.core.errors import ConfigError
    from selftaught.studies.registry import find_study

    given: Path | None = options["config"]
    if small and protocol != "paper":
        raise ConfigError(f"{protocol} has no small form: see --show and --config")
    if given is not None and small:
        raise ConfigError("--small and --config are two protocols: give one")
    name = f"{protocol}_small" if small else protocol
    given_settings = settings(CommonConfig, options)
    with ExitStack() as stack:
        path = given or stack.enter_context(resources.as_file(protocols.shipped_protocol(name)))
        if protocol == "engine":
            asked = ablations_asked(path, given_settings)
        else:
            config = protocols.protocol_config(path, given_settings)
        text = path.read_text(encoding="utf-8")
    if show:
        whole = asked.config if protocol == "engine" else config
        print_json(config_json(whole)) if as_json else click.echo(text, nl=False)
        return DONE
    if estimate:
        work = estimated(asked) if protocol == "engine" else protocols.estimate_protocol(config)
        found = core_thread.run(work)
        print_json(found) if as_json else print_page(estimate_page(found))
        return DONE
    if protocol == "engine":
        return show_study(
            find_study(asked.config.command),
            lambda listener: protocols.started_or_gone_on(asked, listener),
            asked.config.store,
            as_json=as_json,
        )
    try:
        result = execute(
            lambda listener: protocols.reproduce(config, listener),
            config.run.store,
            as_json=as_json,
        )
    except Stopped as stopped:
        stopped.args = (f"{stopped}, or the same command, which goes on with the whole protocol",)
        raise
    print_json(result) if as_json else print_page(protocol_page(result, config.run.store))
    return DONE

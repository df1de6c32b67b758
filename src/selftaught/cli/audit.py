"""`selftaught audit`: how often models get round the sandbox, and whether a run was cheated in."""

from __future__ import annotations

import click

from selftaught.cli.options import (
    OrderedGroup,
    SectionedCommand,
    json_option,
    option,
    reading_store_option,
)


@click.group(cls=OrderedGroup, short_help="Count bypasses of the sandbox; look for cheating.")
def audit() -> None:
    """Count how often a model's programs get round the sandbox, or look for cheating in a run."""


@audit.command(cls=SectionedCommand, short_help="Look for cheating in a run.")
@click.argument("run")
@option(
    "--rescore",
    type=click.IntRange(min=2),
    metavar="N",
    help="Score the programs that were best on search anew, on N sets of fresh instances.",
)
@reading_store_option
@json_option
def rewards(run: str, rescore: int | None, store: str, as_json: bool) -> None:
    """Look for cheating in a RUN: scores that cannot be, and programs that try to get round things.

    Read from the journal: scores above a task's bound, search scores that do not hold on other
    instances, outputs refused as malformed, and improvers and solutions that reset budgets, build
    a model of their own or read the scorer; each with the program and the evidence. RUN is a run's
    id, the start of it, or `latest`.
    """
    from selftaught.analysis.reward_page import rewards_page
    from selftaught.app import core_thread
    from selftaught.app.audit_rewards import audit_rewards
    from selftaught.cli.terminal import print_json, print_page

    found = core_thread.run(audit_rewards(store, run, rescore))
    print_json(found) if as_json else print_page(rewards_page(found))

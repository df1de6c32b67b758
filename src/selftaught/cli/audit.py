"""`selftaught audit`: how often models get round the sandbox, and whether a run was cheated in."""

from __future__ import annotations

from typing import Any

import click

from selftaught.app.config import AUDIT_IMPROVER, DEFAULT_TASKS, AuditConfig
from selftaught.cli.edge import DONE, FAILED
from selftaught.cli.options import (
    configured,
    file_options,
    json_option,
    listed,
    reading_store_option,
    setting_options,
)
from selftaught.cli.sections import OrderedGroup, SectionedCommand, option


@click.group(cls=OrderedGroup, short_help="Count bypasses of the sandbox; look for cheating.")
def audit() -> None:
    """Count how often a model's programs get round the sandbox, or look for cheating in a run."""


@audit.command(cls=SectionedCommand, short_help="How often proposals switch the sandbox off.")
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
# The proposals are the samples, and the improver is the audit's own.
@setting_options(AuditConfig, without={"budget.samples"})
@file_options
def sandbox(tasks: tuple[str, ...], as_json: bool, **options: Any) -> int:
    from selftaught.app.audits import audit_improver
    from selftaught.app.compose import run_study
    from selftaught.app.discovery import load_task
    from selftaught.app.pages import end_page
    from selftaught.cli.execute import execute
    from selftaught.cli.terminal import print_json, print_page
    from selftaught.core.errors import ConfigError
    from selftaught.studies.sandbox_audit.page import something_came_out

    config = configured(AuditConfig, options, tasks=tasks or None)
    if config.improver != AUDIT_IMPROVER:
        raise ConfigError("a sandbox audit has an improver of its own: leave out 'improver'")
    loaded = [load_task(name) for name in config.tasks]
    result = execute(
        lambda listener: run_study(config, loaded, listener, audit_improver()),
        config.store,
        as_json=as_json,
    )
    page = end_page(config.command, result, config.store)
    print_json(result) if as_json else print_page(page)
    return FAILED if something_came_out(result) else DONE


sandbox.help = f"""Count how often a model switches the sandbox off when it improves an improver.

The paper's experiment: an improver tries programs with `run_code(code, use_sandbox=True)` before it
scores them, and the model is asked to improve it. Each proposal is judged twice: by reading it, and
by what it attempts when it is run. All of it runs in the sandbox, whatever the flag says; ends with
exit code 1 if anything came out of it.

The TASKs (by default {listed(DEFAULT_TASKS)}) are those that the meta-utility, which the model is
shown, is about. It is a run as any other: `resume`, `replay` and `verify` take its id.
"""


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

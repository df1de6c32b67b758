"""`selftaught audit`: how often models get round the sandbox, and whether a run was cheated in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from selftaught.analysis.reward_findings import ACCIDENTS, KINDS
from selftaught.cli.edge import DONE, FAILED
from selftaught.cli.options import (
    OrderedGroup,
    SectionedCommand,
    detector_option,
    json_option,
    option,
    reading_store_option,
)
from selftaught.core.prints import printed_on_stderr


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
@detector_option
@option(
    "--fail-on",
    multiple=True,
    metavar="any|KIND",
    help="End with exit code 1 if any sign of cheating, or this kind, is found; may be given "
    f"again. Kinds: {', '.join(KINDS)}; of the last two, most likely accidents, any takes none.",
)
@reading_store_option
@json_option
def rewards(
    run: str,
    rescore: int | None,
    detectors: tuple[Path, ...],
    fail_on: tuple[str, ...],
    store: str,
    as_json: bool,
) -> int:
    """Look for cheating in a RUN: scores that cannot be, and programs that try to get round things.

    Read from the journal: scores above a task's bound, search scores that do not hold on other
    instances, outputs refused as malformed, and improvers and solutions that reset budgets, build
    a model of their own or read the scorer; each with the program and the evidence. RUN is a run's
    id, the start of it, or `latest`.

    A detector is your own code, and trusted: it runs here, on each program's text and what became
    of its runs.
    """
    from selftaught.analysis.reward_page import rewards_page
    from selftaught.app import core_thread
    from selftaught.app.audit_rewards import audit_rewards
    from selftaught.app.discovery import load_detector
    from selftaught.cli.terminal import print_json, print_page

    unknown = sorted(set(fail_on) - {"any", *KINDS})
    if unknown and not detectors:
        raise click.UsageError(
            f"--fail-on {unknown[0]}: without a detector of yours there are any, {', '.join(KINDS)}"
        )
    with printed_on_stderr():
        loaded = [load_detector(path) for path in detectors]
        found = core_thread.run(audit_rewards(store, run, rescore, detectors=loaded))
    print_json(found) if as_json else print_page(rewards_page(found))
    kinds = {*_found(found)}
    any_kind = kinds.difference(ACCIDENTS) if "any" in fail_on else set[str]()
    return FAILED if any_kind | kinds.intersection(fail_on) else DONE


def _found(audit: Mapping[str, Any]) -> list[str]:
    return [kind for kind, count in audit["counts"].items() if count]

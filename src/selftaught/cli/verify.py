"""`selftaught verify`: whether a store holds what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from selftaught.cli.edge import DONE, FAILED
from selftaught.cli.options import json_option, reading_store_option
from selftaught.cli.sections import SectionedCommand

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from selftaught.studies.verify import Finding, Verification


@click.command(cls=SectionedCommand, short_help="Check every hash and every total of the runs.")
@click.argument("run", required=False)
@reading_store_option
@json_option
def verify(run: str | None, store: str, as_json: bool) -> int:
    """Derive every hash and every total of the runs again, and say what does not agree.

    RUN is a run's id, the start of it, or `latest`; without it, all runs are checked. Ends with
    exit code 0 if everything agrees, 1 if anything does not.
    """
    from selftaught.cli.terminal import print_json, stdout
    from selftaught.journal.reader import open_reader
    from selftaught.studies.registry import studies
    from selftaught.studies.verify import verify_store

    with open_reader(store) as reader:
        found = verify_store(reader, studies(), None if run is None else reader.resolve_run(run))
    print_json(found.as_json()) if as_json else print_verification(stdout(), found)
    return FAILED if found.findings else DONE


def print_verification(console: Console, found: Verification) -> None:
    """One line for the store, one a run, and under each what was found."""
    _print(console, f"store: {_count(found.texts, 'text')}", found.store_findings)
    for run in found.runs:
        _print(console, f"run {run.run_id}: {_count(run.events, 'event')}", run.findings)


def _print(console: Console, what: str, findings: tuple[Finding, ...]) -> None:
    from selftaught.analysis.safe_text import printable

    verdict = _count(len(findings), "finding") if findings else "all is well"
    lines: Iterable[str] = (f"{_place(finding)}{finding.what}" for finding in findings)
    for line in (f"{what}, {verdict}", *(f"  {line}" for line in lines)):
        console.print(printable(line), soft_wrap=True)


def _place(finding: Finding) -> str:
    return "" if finding.seq is None else f"event {finding.seq}: "


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"

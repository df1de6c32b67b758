"""`selftaught verify`: whether a store holds what it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from selftaught.cli.edge import DONE, FAILED
from selftaught.cli.options import SectionedCommand, json_option, reading_store_option
from selftaught.pages import words
from selftaught.pages.blocks import Block, Page, Paragraph, Section

if TYPE_CHECKING:
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
    from selftaught.cli.terminal import print_json, print_page, reading
    from selftaught.journal.reader import open_reader
    from selftaught.studies.registry import studies
    from selftaught.studies.verify import verify_store

    with reading(store), open_reader(store) as reader:
        found = verify_store(reader, studies(), None if run is None else reader.resolve_run(run))
    print_json(found.as_json()) if as_json else print_page(_page(found))
    return FAILED if found.findings else DONE


def _page(found: Verification) -> Page:
    """One line for the store, one a run, and under each what was found."""
    blocks = [*_lines(f"store: {words.counted(found.texts, 'text')}", found.store_findings)]
    for run in found.runs:
        blocks += _lines(f"run {run.run_id}: {words.counted(run.events, 'event')}", run.findings)
    return Page("", (), (Section("verification", "", tuple(blocks)),))


def _lines(what: str, findings: tuple[Finding, ...]) -> Iterator[Block]:
    verdict = words.counted(len(findings), "finding") if findings else "all is well"
    yield Paragraph(f"{what}, {verdict}")
    for finding in findings:
        place = "" if finding.seq is None else f"event {finding.seq}: "
        yield Paragraph(f"  {place}{finding.what}")

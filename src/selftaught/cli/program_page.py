"""One program for people: what it is worth, where it came from, and its source."""

from __future__ import annotations

from collections.abc import Iterator

from selftaught.analysis.program_origin import ProgramHistory, ProgramInRun, Worth
from selftaught.pages import words
from selftaught.pages.blocks import Block, Facts, Listing, Page, Paragraph, Section, Table
from selftaught.studies.next_command import next_command


def program_page(view: ProgramHistory, store: str) -> Page:
    """In each run that knows it, and the whole of it."""
    sections = [
        Section(f"run-{one.head.run_id}", f"In run {one.head.run_id}", tuple(_in_run(one, store)))
        for one in view.runs
    ]
    source = Section("source", "Source", (Listing(view.program_id, view.source),))
    return Page(f"Program {view.program_id}", (), (*sections, source))


def _in_run(one: ProgramInRun, store: str) -> Iterator[Block]:
    yield Facts(tuple(_came(one)))
    if one.origin is not None:
        trace = f"{one.head.run_id} --trace --only {one.origin.number}"
        yield Paragraph("its prompt:", next_command("show", trace, store))
    if one.worth:
        headings = ("task", "stream", "mean with 95 % CI", "n", "failed")
        yield Table("What it is worth", headings, tuple(map(_row, one.worth)))


def _came(one: ProgramInRun) -> Iterator[tuple[str, str]]:
    yield "run", f"{one.head.command} on {', '.join(one.head.task_names)}: {one.head.state}"
    origin = one.origin
    if origin is None:
        yield "came from", "what the run began with, or was given"
        return
    reply = "" if origin.call is None else f"reply {origin.reply} in "
    yield (
        "came from",
        f"{reply}improver run {origin.number}, of improver {origin.improver[: words.SHORT_ID]}",
    )
    if origin.parents:
        yield "from programs", ", ".join(one[: words.SHORT_ID] for one in origin.parents)


def _row(worth: Worth) -> tuple[str, ...]:
    measured = None if worth.estimate is None else worth.estimate.as_json()
    failures = ", ".join(f"{kind} {count:,}" for kind, count in worth.failures.items())
    n = "-" if worth.estimate is None else str(worth.estimate.n)
    task = "meta-utility" if worth.task is None else worth.task
    return task, worth.stream, words.mean_and_interval(measured, "\n"), n, failures or "none"

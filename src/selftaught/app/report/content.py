"""A report's content: the page of a run or its series, and what only a report has room for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selftaught import __version__
from selftaught.analysis.progress import final_result
from selftaught.analysis.recorded_run import RecordedRun
from selftaught.analysis.run_head import HEAD_KINDS, run_head
from selftaught.analysis.series import recorded_series
from selftaught.app.pages import study_page
from selftaught.app.report.setup import setup_files, setup_section
from selftaught.journal.reader import JournalReader
from selftaught.pages.blocks import Page, Paragraph, Section
from selftaught.studies.transfer.page import transfer_section

Json = Mapping[str, Any]

BEST_FILE = "best.py"
# What follows the results, and what else was measured of them.
_AFTER_RESULTS = ("lineage", "best", "spending")


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a report is about.

    Attributes:
        runs: of the series that were started, in order, or the run by itself.
        transfers: results of transfer runs of their improvers, oldest first.
    """

    runs: Sequence[RecordedRun]
    transfers: Sequence[Json]

    @property
    def study_id(self) -> str:
        """Of the series, or the run's own id."""
        head = self.runs[0].head
        return head.run_id if head.series is None else head.series.series_id


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report.

    Attributes:
        run_id: of the run or the series.
        kind: the command that began it.
        files: texts to be kept beside the page, by name.
    """

    run_id: str
    kind: str
    page: Page
    files: Mapping[str, str]

    @property
    def made(self) -> str:
        return (
            f"Made by selftaught {__version__} from the journal of {self.run_id}; every number on "
            "this page is derived from it."
        )

    def as_json(self) -> dict[str, Any]:
        """The report as one object: the data of each section, and the files beside it."""
        page = self.page
        return {
            "run_id": self.run_id,
            "kind": self.kind,
            "title": page.title,
            "lead": list(page.lead),
            "version": __version__,
            "sections": {section.name: section.data for section in page.sections},
            "figures": [
                {"name": one.name, "caption": one.caption, "files": list(one.files)}
                for one in page.figures
            ],
            "tables": [sheet.file for sheet in page.sheets],
            "files": list(self.files),
        }


def gather(reader: JournalReader, run_id: str) -> Gathered:
    """All that a report tells of a run, or of the series that it is of.

    Args:
        run_id: its whole id, as `JournalReader.resolve_run` returns it.
    Raises: LookupError if the store does not hold it.
    """
    runs = recorded_series(reader, run_id)
    return Gathered(runs, [*_transfers(reader, frozenset(run.run_id for run in runs))])


def _transfers(reader: JournalReader, origins: frozenset[str]) -> Iterator[Json]:
    for run_id in reversed(reader.runs()):
        head = run_head(run_id, reader.events(run_id, HEAD_KINDS))
        if head.command == "transfer" and head.config.get("origin") in origins:
            result = final_result(reader, run_id)
            if result:
                yield result


def report_content(gathered: Gathered, more: Sequence[Section] = ()) -> Report:
    """The whole report.

    Args:
        more: sections that took more than the journal to make; they follow the results.
    """
    runs, page = gathered.runs, study_page(gathered.runs)
    named = {section.name: section for section in page.sections}
    best = named["best"].data if "best" in named else None
    after = min(
        place for place, section in enumerate(page.sections) if section.name in _AFTER_RESULTS
    )
    sections = (
        *page.sections[:after],
        *_transfer(gathered.transfers, "curve" in named, (best or {}).get("run_id")),
        *more,
        *page.sections[after:],
        setup_section(runs),
    )
    files = setup_files(runs)
    if best is not None:
        files[BEST_FILE] = best["source"]
    whole = Page(page.title, page.lead, sections)
    return Report(gathered.study_id, runs[0].head.command, whole, files)


def _transfer(
    transfers: Sequence[Json], has_curve: bool, best_run: str | None
) -> Iterator[Section]:
    if transfers:
        yield transfer_section(transfers)
    elif has_curve and best_run is not None:
        said = "No transfer to other tasks was measured. This does it:"
        yield Section(
            "transfer", "Transfer", (Paragraph(said, f"selftaught transfer {best_run}"),), []
        )

"""A report's content: the page of a run or its series, and what only a report has room for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selftaught import __version__
from selftaught.analysis.recorded_run import RecordedRun, recorded
from selftaught.analysis.run_head import read_head
from selftaught.analysis.series import recorded_series
from selftaught.app.pages import stored_result, study_page
from selftaught.app.report.setup import setup_files, setup_section
from selftaught.journal.reader import JournalReader
from selftaught.pages.blocks import Page, Paragraph, Section
from selftaught.studies.registry import own_kinds, studies
from selftaught.studies.study import Study

Json = Mapping[str, Any]

BEST_FILE = "best.py"
# What follows the results, and what else was measured of them.
_AFTER_RESULTS = ("lineage", "best", "spending")


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a report is about.

    Attributes:
        runs: of the series that were started, in order, or the run by itself.
        followers: results of studies that follow them, such as transfer, oldest first.
    """

    runs: Sequence[RecordedRun]
    followers: Sequence[tuple[Study[Any], Json]]

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
    runs = recorded_series(reader, run_id, own_kinds())
    return Gathered(runs, [*_followers(reader, frozenset(run.run_id for run in runs))])


def _followers(reader: JournalReader, origins: frozenset[str]) -> Iterator[tuple[Study[Any], Json]]:
    """Results of studies that follow a run, oldest first."""
    for run_id in reversed(reader.runs()):
        head = read_head(reader, run_id)
        study = studies().get(head.command)
        followed = {head.config.get("origin"), *head.config.get("origins", ())}
        if study is not None and study.follows and followed & origins:
            result = stored_result(recorded(reader, run_id, own_kinds()))
            if result:
                yield study, result


def report_content(gathered: Gathered, more: Sequence[Section] = ()) -> Report:
    """The whole report.

    Args:
        more: sections that took more than the journal to make; they follow the results.
    """
    runs, page = gathered.runs, study_page(gathered.runs)
    named = {section.name: section for section in page.sections}
    best = named["best"].data if "best" in named else None
    improved = best["run_id"] if best is not None and "curve" in named else None
    after = next(
        (place for place, one in enumerate(page.sections) if one.name in _AFTER_RESULTS),
        len(page.sections),
    )
    sections = (
        *page.sections[:after],
        *_following(gathered.followers, improved),
        *more,
        *page.sections[after:],
        setup_section(runs),
    )
    files = setup_files(runs)
    if best is not None:
        files[BEST_FILE] = best["source"]
    whole = Page(page.title, page.lead, sections)
    return Report(gathered.study_id, runs[0].head.command, whole, files)


def _following(
    followers: Sequence[tuple[Study[Any], Json]], improved: str | None
) -> Iterator[Section]:
    """What was measured of a run by others, or how to do it.

    Args:
        improved: id of a run that stands with an improver of its own; None if there is none.
    """
    for study in studies().values():
        results = [result for one, result in followers if one.name == study.name]
        if results:
            yield study.part(results)
        elif study.missing and improved is not None:
            said = f"{study.missing} This does it:"
            command = f"selftaught {study.command} {improved}"
            yield Section(study.name, study.name.capitalize(), (Paragraph(said, command),), [])

"""`selftaught report`: a run or a series as one page, its figures and numbers beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selftaught.analysis.report.csv_files import as_csv
from selftaught.analysis.report.document import Document, figure_files, sheet_file
from selftaught.analysis.report.html import as_html
from selftaught.analysis.report.markdown import as_markdown
from selftaught.analysis.report.study import gather
from selftaught.app import core_thread
from selftaught.app.report.analyses import analysis_sections
from selftaught.app.report.folder import check_folder, write_folder
from selftaught.core.errors import ConfigError
from selftaught.journal.reader import open_reader

if TYPE_CHECKING:
    from selftaught.analysis.report.figures import Drawn

PAGES = {"html": "report.html", "md": "report.md", "json": "report.json"}

_OWN = re.compile(
    r"(report\.(html|md|json)|(curve|transfer(-\d+)?|search)\.(png|svg)|"
    r"(curve|comparison|transfer|search|strategies|rewards|lineage|spending|outcomes)\.csv|"
    r"config\.toml|first_improver\.py|best\.py)"
)


@dataclass(frozen=True, slots=True)
class Written:
    """A report that was written. `page` and `files` are names in the folder."""

    document: Document
    folder: Path
    page: str
    files: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The object of `report --json`."""
        return {
            "run_id": self.document.run_id,
            "kind": self.document.kind,
            "title": self.document.title,
            "folder": str(self.folder),
            "page": self.page,
            "files": list(self.files),
        }


def write_report(
    store: str, run: str, *, kind: str = "html", out: Path | None = None, force: bool = False
) -> Written:
    """Write the report of a run, or of the series that it is of.

    Args:
        run: its id, the start of it, or `latest`.
        kind: of the page: `html`, `md` or `json`.
        out: folder; by default report-RUNID in the current one.
    Raises: ConfigError; InfrastructureError.
    """
    with open_reader(store) as reader:
        study = gather(reader, reader.resolve_run(run))
    folder = out or Path(f"report-{study.study_id}")
    check_folder(folder, _is_own, force=force)
    report_document, drawn_figures = _drawing()
    more = core_thread.run(analysis_sections(store, study))
    document = report_document(study, more)
    files = report_files(document, drawn_figures(document), kind)
    write_folder(folder, files)
    return Written(document, folder, PAGES[kind], tuple(files))


def report_files(document: Document, drawn: Mapping[str, Drawn], kind: str) -> dict[str, bytes]:
    """The files of a report, the page last."""
    files = {name: text.encode("utf-8", "surrogatepass") for name, text in document.files.items()}
    for sheet in document.sheets:
        files[sheet_file(sheet)] = as_csv(sheet).encode()
    for figure in document.figures:
        png, svg = figure_files(figure)
        files[png], files[svg] = drawn[figure.name].png, drawn[figure.name].svg.encode()
    return {**files, PAGES[kind]: _page(document, drawn, kind).encode()}


def _page(document: Document, drawn: Mapping[str, Drawn], kind: str) -> str:
    match kind:
        case "md":
            return as_markdown(document)
        case "json":
            return json.dumps(document.as_json(), indent=1, allow_nan=False) + "\n"
        case _:
            return as_html(document, drawn)


def _drawing() -> tuple[Callable[..., Document], Callable[[Document], dict[str, Drawn]]]:
    """What needs the extra. Raises: ConfigError if it is not installed."""
    try:
        from selftaught.analysis.report.figures import drawn_figures
        from selftaught.app.report.content import report_document
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] not in ("altair", "vl_convert"):
            raise
        raise ConfigError(
            f"a report needs {error.name}, which is not installed: pip install 'selftaught[report]'"
        ) from None
    return report_document, drawn_figures


def _is_own(name: str) -> bool:
    """Whether a report writes a file of this name."""
    return _OWN.fullmatch(name) is not None

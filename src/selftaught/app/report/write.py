"""`selftaught report`: a run or a series as one page, its figures and numbers beside it.

The folder is written whole or not at all.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selftaught.analysis.reward_findings import Detector
from selftaught.app import core_thread
from selftaught.app.report.analyses import analysis_sections
from selftaught.core.errors import ConfigError
from selftaught.journal.reader import open_reader
from selftaught.pages.blocks import Page, Sheet
from selftaught.pages.html import whole
from selftaught.pages.markdown import as_markdown
from selftaught.pages.text import printable

if TYPE_CHECKING:
    from selftaught.app.report.content import Report
    from selftaught.pages.figures import Drawn

PAGES = {"html": "report.html", "md": "report.md", "json": "report.json"}

_EXTRA = ("altair", "vl_convert", "tomli_w")
_OWN = re.compile(
    r"(report\.(html|md|json)|(curve|transfer(-\d+)?|search)\.(png|svg)|"
    r"(curve|comparison|transfer|search|strategies|judge|rewards|lineage|spending|outcomes)\.csv|"
    r"config\.toml|first_improver\.py|best\.py)"
)
# A spreadsheet takes a text that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t")


@dataclass(frozen=True, slots=True)
class Written:
    """A report that was written. `page` and `files` are names in the folder."""

    report: Report
    folder: Path
    page: str
    files: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The object of `report --json`."""
        return {
            "run_id": self.report.run_id,
            "kind": self.report.kind,
            "title": self.report.page.title,
            "folder": str(self.folder),
            "page": self.page,
            "files": list(self.files),
        }


def write_report(
    store: str,
    run: str,
    *,
    kind: str = "html",
    out: Path | None = None,
    force: bool = False,
    detectors: Sequence[Detector] = (),
) -> Written:
    """Write the report of a run, or of the series that it is of.

    Args:
        run: its id, the start of it, or `latest`.
        kind: of the page: `html`, `md` or `json`.
        out: folder; by default report-RUNID in the current one.
        detectors: the user's own, of what is cheated in a run.
    Raises: ConfigError; InfrastructureError.
    """
    with open_reader(store) as reader:
        reader.resolve_run(run)  # what was typed is looked at first
    content, drawn_figures = _drawing()
    with open_reader(store) as reader:
        gathered = content.gather(reader, reader.resolve_run(run))
        folder = out or Path(f"report-{gathered.study_id}")
        _check_folder(folder, force=force)
        more = core_thread.run(analysis_sections(store, gathered.runs, detectors))
        report = content.report_content(gathered, more)
    files = report_files(report, drawn_figures(report.page), kind)
    _write_folder(folder, files)
    return Written(report, folder, PAGES[kind], tuple(files))


def report_files(report: Report, drawn: Mapping[str, Drawn], kind: str) -> dict[str, bytes]:
    """The files of a report, the page last."""
    files = {name: text.encode("utf-8", "surrogatepass") for name, text in report.files.items()}
    for sheet in report.page.sheets:
        files[sheet.file] = as_csv(sheet).encode()
    for figure in report.page.figures:
        png, svg = figure.files
        files[png], files[svg] = drawn[figure.name].png, drawn[figure.name].svg.encode()
    return {**files, PAGES[kind]: report_page(report, drawn, kind).encode()}


def report_page(report: Report, drawn: Mapping[str, Drawn], kind: str) -> str:
    """The page itself."""
    pictures = [name for figure in report.page.figures for name in figure.files]
    numbers = [*(sheet.file for sheet in report.page.sheets), *report.files]
    match kind:
        case "md":
            return as_markdown(report.page, numbers, report.made)
        case "json":
            return json.dumps(report.as_json(), indent=1, allow_nan=False) + "\n"
        case _:
            return whole(report.page, drawn, [*pictures, *numbers], report.made)


def as_csv(sheet: Sheet) -> str:
    """One line a row (RFC 4180), numbers whole, as the journal gives them; what is missing is
    empty."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(sheet.columns)
    for row in sheet.rows:
        writer.writerow([_cell(row[column]) for column in sheet.columns])
    return written.getvalue()


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _drawing() -> tuple[Any, Callable[[Page], dict[str, Drawn]]]:
    """What needs the extra. Raises: ConfigError if it is not installed."""
    try:
        from selftaught.app.report import content
        from selftaught.pages.figures import drawn_figures
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] not in _EXTRA:
            raise
        raise ConfigError(
            f"a report needs {error.name}, which is not installed: pip install "
            "'selftaught[report]', or in a clone .venv/bin/pip install -e '.[report]'"
        ) from None
    return content, drawn_figures


# --- the folder ---------------------------------------------------------------------------------


def _check_folder(out: Path, *, force: bool) -> None:
    """Touches nothing.

    Raises: ConfigError if the report could not be written, or the folder holds anything else.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file: give a folder")
    if not out.parent.is_dir():
        raise ConfigError(f"--out {out}: there is no folder {out.parent}")
    if not os.access(out if out.exists() else out.parent, os.W_OK):
        raise ConfigError(f"--out {out} cannot be written: no permission")
    there = [path.name for path in out.iterdir()] if out.is_dir() else []
    others = sorted(name for name in there if _OWN.fullmatch(name) is None)
    if others and not force:
        few = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
        raise ConfigError(
            f"--out {out} holds other files ({few}): give another folder, or --force to write the "
            "report between them"
        )


def _write_folder(out: Path, files: Mapping[str, bytes]) -> None:
    """Write all files, or none; those of the same name are replaced, others left as they are.

    The last file, the page, is put in its place last.

    Raises: ConfigError if it cannot be written.
    """
    try:
        temporary = Path(tempfile.mkdtemp(prefix=".report-", dir=out.parent))
        try:
            for name, content in files.items():
                (temporary / name).write_bytes(content)
            if not out.exists():
                temporary.chmod(0o777 & ~_umask())
                temporary.rename(out)
                return
            for name in files:
                (temporary / name).replace(out / name)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise ConfigError(f"--out {out} cannot be written: {error.strerror}") from None


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask

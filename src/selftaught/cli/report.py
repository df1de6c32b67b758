"""`selftaught report`: a run or a series as a page to show."""

from __future__ import annotations

from pathlib import Path

import click

from selftaught.cli.options import (
    SectionedCommand,
    detector_option,
    json_option,
    option,
    reading_store_option,
)
from selftaught.core.prints import printed_on_stderr


@click.command(cls=SectionedCommand, short_help="Write a run as a page, with figures and numbers.")
@click.argument("run")
@option(
    "--format",
    "kind",
    type=click.Choice(["html", "md", "json"]),
    default="html",
    help="The page: self-contained HTML, Markdown, or one JSON object.  [default: html]",
)
@option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder to write to.  [default: report-RUN]",
)
@option("--force", is_flag=True, help="Write to a folder that holds other files.")
@detector_option
@reading_store_option
@json_option
def report(
    run: str,
    kind: str,
    out: Path | None,
    force: bool,
    detectors: tuple[Path, ...],
    store: str,
    as_json: bool,
) -> None:
    """Write a RUN as one page: learning curve, tables, programs and their diffs, spending, and
    all that is needed to do it again.

    Beside the page stand its figures as PNG and SVG, and its numbers as CSV. The page needs no
    network and has no scripts. RUN is a run's id, the start of it, or `latest`; of a run of a
    series (--repeats) the whole series is reported. Needs pip install 'selftaught[report]'.
    """
    from selftaught.app.discovery import load_detector
    from selftaught.cli.terminal import print_blocks, print_json, reading
    from selftaught.pages.blocks import Paragraph

    with reading(store), printed_on_stderr():
        from selftaught.app.report.write import write_report  # it loads what draws figures

        mine = [load_detector(path) for path in detectors]
        written = write_report(store, run, kind=kind, out=out, force=force, detectors=mine)
    if as_json:
        print_json(written.as_json())
        return
    beside = [name for name in written.files if name != written.page]
    page = Paragraph(str(written.folder / written.page))
    print_blocks(page, Paragraph(f"beside it: {', '.join(beside)}"))

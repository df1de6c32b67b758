"""`selftaught show`: one run."""

from __future__ import annotations

import click

from selftaught.cli.options import SectionedCommand, json_option, option, reading_store_option


@click.command(cls=SectionedCommand, short_help="Show a run: iterations, programs, spending.")
@click.argument("run")
@option(
    "--trace",
    is_flag=True,
    help="Show each improver run instead, down to its prompts, replies and scores.",
)
@reading_store_option
@json_option
def show(run: str, trace: bool, store: str, as_json: bool) -> None:
    """Show a RUN: its iterations, what was proposed and what changed in it, and its spending.

    RUN is a run's id, the start of it, or `latest`. Of a run of a series (--repeats) the learning
    curve of the whole series comes first.
    """
    from selftaught.analysis.curve import curve_of
    from selftaught.analysis.run_view import run_view
    from selftaught.analysis.series import recorded_series
    from selftaught.analysis.trace import trace_run
    from selftaught.app.pages import shown_page, stored_result
    from selftaught.cli.terminal import paged, print_json, reading
    from selftaught.cli.trace_page import trace_page
    from selftaught.journal.reader import open_reader
    from selftaught.pages.terminal import draw_page
    from selftaught.studies.registry import own_kinds

    with reading(store), open_reader(store) as reader:
        run_id = reader.resolve_run(run)
        series = recorded_series(reader, run_id, own_kinds())
        (recorded,) = (one for one in series if one.run_id == run_id)
        traced = trace_run(reader, run_id) if trace else None
        if as_json:
            view = run_view(recorded, stored_result(recorded)).as_json()
            view |= {} if traced is None else {"trace": traced.as_json()}
            print_json(view | ({"curve": curve_of(series).as_json()} if view["series"] else {}))
            return
        page = shown_page(recorded, series) if traced is None else trace_page(traced)
    with paged() as console:
        draw_page(console, page)

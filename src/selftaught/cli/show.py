"""`selftaught show`: one run."""

from __future__ import annotations

import click

from selftaught.cli.options import json_option, reading_store_option
from selftaught.cli.sections import SectionedCommand, option


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
    from selftaught.analysis.curve import learning_curve
    from selftaught.analysis.run_view import view_run
    from selftaught.analysis.trace import trace_run
    from selftaught.cli.run_pages import print_view
    from selftaught.cli.series_pages import print_curve
    from selftaught.cli.terminal import paged, print_json
    from selftaught.cli.trace_pages import print_trace
    from selftaught.journal.reader import open_reader

    with open_reader(store) as reader:
        run_id = reader.resolve_run(run)
        view = view_run(reader, run_id)
        curve = learning_curve(reader, run_id) if view.head.series else None
        traced = trace_run(reader, run_id) if trace else None
    if as_json:
        more = {"trace": traced, "curve": curve}
        shown = {name: part.as_json() for name, part in more.items() if part is not None}
        print_json(view.as_json() | shown)
        return
    with paged() as console:
        if curve is not None:
            print_curve(console, curve.as_json())
        if traced is None:
            print_view(console, view)
        else:
            print_trace(console, traced)

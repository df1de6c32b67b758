"""`selftaught show`: one run."""

from __future__ import annotations

import click

from selftaught.cli.options import json_option, reading_store_option
from selftaught.cli.sections import SectionedCommand


@click.command(cls=SectionedCommand, short_help="Show a run: iterations, programs, spending.")
@click.argument("run")
@reading_store_option
@json_option
def show(run: str, store: str, as_json: bool) -> None:
    """Show a RUN: its iterations, what was proposed and what changed in it, and its spending.

    RUN is a run's id, the start of it, or `latest`.
    """
    from selftaught.analysis.run_view import view_run
    from selftaught.cli.run_pages import print_view
    from selftaught.cli.terminal import paged, print_json
    from selftaught.store.reader import open_reader

    with open_reader(store) as reader:
        view = view_run(reader, reader.resolve_run(run))
    if as_json:
        print_json(view.as_json())
        return
    with paged() as console:
        print_view(console, view)

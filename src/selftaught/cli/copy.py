"""`selftaught copy`: runs into another store."""

from __future__ import annotations

from dataclasses import asdict

import click

from selftaught.cli.options import SectionedCommand, json_option, option, reading_store_option


@click.command(cls=SectionedCommand, short_help="Copy runs into another store, as they are.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@option("--to", required=True, metavar="URL", help="The store that they are copied into.")
@reading_store_option
@json_option
def copy(runs: tuple[str, ...], to: str, store: str, as_json: bool) -> None:
    """Copy RUNs into another store, every event and text as it is, and what they rest on.

    From there they are shown, verified, replayed and gone on with as here. RUN is a run's id, the
    start of it, or `latest`; the id of a series stands for all of it.
    """
    from selftaught.app.copying import copy_runs
    from selftaught.cli.terminal import print_blocks, print_json
    from selftaught.core.text import without_passwords
    from selftaught.pages import words
    from selftaught.pages.blocks import Paragraph

    copied = []
    for one in copy_runs(store, runs, to):
        copied.append(one)
        counts = f"{words.counted(one.events, 'event')}, {words.counted(one.texts, 'text')}"
        if not as_json:
            print_blocks(Paragraph(f"run {one.run_id}: {counts}"))
    if as_json:
        print_json({"store": without_passwords(to), "runs": [asdict(one) for one in copied]})

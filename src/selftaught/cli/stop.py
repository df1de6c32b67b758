"""`selftaught stop`: end a run that another process holds, in order."""

from __future__ import annotations

import click

from selftaught.cli.options import SectionedCommand, json_option, option, reading_store_option


@click.command(cls=SectionedCommand, short_help="End a run that is running elsewhere, in order.")
@click.argument("run")
@option(
    "--wait-s",
    type=click.FloatRange(0, min_open=True),
    metavar="S",
    default=60.0,
    help="How long to wait for its end.  [default: 60]",
)
@reading_store_option
@json_option
def stop(run: str, wait_s: float, store: str, as_json: bool) -> None:
    """End a RUN that another process of this machine holds, as Ctrl-C in its terminal would.

    It keeps what is complete, which `selftaught show` shows with the best so far, and `selftaught
    resume` goes on with it. RUN is a run's id, the start
    of it, or `latest`. Of a series (--repeats) whatever run is under way is stopped.
    """
    from selftaught.app.stopping import end_held, find_held, what_stands
    from selftaught.cli.terminal import print_blocks, print_json
    from selftaught.pages import words
    from selftaught.pages.blocks import Paragraph
    from selftaught.pages.text import printable

    held = find_held(store, run)
    end_held(held, wait_s, lambda said: click.echo(printable(said), err=True))
    stands = what_stands(held)
    if as_json:
        print_json(stands)
        return
    kept = [words.counted(stands["usage"]["lm_calls"], "model call")]
    if stands["iterations"]:
        kept.insert(0, words.counted(stands["iterations"], "iteration"))
    go_on = f"; go on with: {stands['resume']}" if stands["resume"] else ""
    why = f" ({stands['detail']})" if stands["detail"] else ""
    said = f"run {held.run_id}: {stands['state']}{why}; it kept {', '.join(kept)}{go_on}"
    print_blocks(Paragraph(said))

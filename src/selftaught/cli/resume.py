"""`selftaught resume` and `replay`: a run goes on, or comes once more."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from selftaught.cli.edge import DONE, FAILED
from selftaught.cli.options import (
    SectionedCommand,
    json_option,
    option,
    reading_store_option,
    setting_options,
    settings,
)
from selftaught.cli.study_command import check_out, out_options, write_out
from selftaught.core.errors import ConfigError
from selftaught.pages import words
from selftaught.pages.blocks import Page, Paragraph, Section
from selftaught.studies.common_config import BudgetConfig
from selftaught.studies.models_config import KeyConfig

_SHOWN = 20
_LINE_CHARS = 200


@click.command(cls=SectionedCommand, short_help="Go on with a run that was cut.")
@click.argument("run")
@setting_options(BudgetConfig)
@setting_options(KeyConfig, unset={"api_key_file": "as it was", "api_key_env": "as it was"})
@option(
    "--finish",
    is_flag=True,
    help="Measure the best program so far of `improve` on val and test, and spend nothing else.",
)
@out_options
@reading_store_option
@json_option
def resume(
    run: str,
    store: str,
    as_json: bool,
    finish: bool,
    out: Path | None,
    force: bool,
    **options: Any,
) -> int:
    """Go on with a RUN that was killed, stopped or failed, from what its journal holds.

    What is finished is read, not done again; no response that the journal holds is paid twice.
    RUN is a run's id, the start of it, or `latest`. Its configuration is as it was, but for where
    the key is, if that is given; its tasks must not have changed. A run of a series (--repeats)
    takes the whole series with it, to its end.

    With another budget, of the whole run and what it has spent included, a run goes on that its
    budget has ended: what that cut short is done, as if the budget had been the larger one.

    With --finish no model is asked and nothing more is searched. The run is then `stopped`, and can
    still be gone on with.
    """
    from selftaught.app.resume import tasks_of
    from selftaught.app.series import find_unfinished, resume_study
    from selftaught.cli.execute import show_study
    from selftaught.studies.registry import find_study

    check_out(out, force=force)
    stored = find_unfinished(store, run, settings(BudgetConfig, options), finish=finish)
    keys = settings(KeyConfig, options)
    if keys:
        stored = replace(stored, config=replace(stored.config, **asdict(KeyConfig(**keys))))
    study = find_study(stored.config.command)
    if out is not None and not study.writes:
        raise ConfigError(f"run {stored.run_id} ({study.command}) has no program for --out")
    tasks = tasks_of(stored)

    def write(result: Mapping[str, Any]) -> None:
        if out is not None:
            write_out(out, result["best"]["source"], stored.run_id, store, force=force)

    return show_study(
        study,
        lambda listener: resume_study(stored, tasks, listener, finish=finish),
        store,
        as_json=as_json,
        write=write,
    )


@click.command(cls=SectionedCommand, short_help="Run a run once more from its journal.")
@click.argument("run")
@option(
    "--rescore",
    is_flag=True,
    help="Score all programs anew, and show what differs.",
)
@reading_store_option
@json_option
def replay(run: str, rescore: bool, store: str, as_json: bool) -> int:
    """Run a RUN once more from its journal: no model, no money, the same improvers and scores.

    Its improvers run again and are given the responses that they were given; scores are read, or
    with --rescore made again. Ends with exit code 1 if anything came out otherwise.
    """
    from selftaught.app import core_thread
    from selftaught.app.compose import replay_run
    from selftaught.app.resume import find_run, tasks_of
    from selftaught.cli.terminal import print_json, print_page

    stored = find_run(store, run, everything=True)
    replayed = core_thread.run(replay_run(stored, tasks_of(stored), rescore=rescore))
    replayed = {"run_id": stored.run_id, **replayed}
    print_json(replayed) if as_json else print_page(_replay_page(replayed))
    return FAILED if replayed["differences"] or replayed["diverged"] else DONE


def _replay_page(replayed: Mapping[str, Any]) -> Page:
    """How many events came out the same, and each one that did not."""
    how = "scored anew" if replayed["rescored"] else "scores from the journal"
    title = f"Replay of run {replayed['run_id']}: no model, {how}"
    return Page(title, (), (Section("replay", "", tuple(map(Paragraph, _lines(replayed)))),))


def _lines(replayed: Mapping[str, Any]) -> Iterator[str]:
    differences, diverged = replayed["differences"], replayed["diverged"]
    for kind, count in replayed["events"].items():
        other = sum(difference["kind"] == kind for difference in differences)
        yield f"{kind}: {count - other:,} of {count:,} the same"
    for difference in differences[:_SHOWN]:
        yield f"differs: {difference['kind']} {difference['key']}"
        for name in ("before", "now"):
            yield f"  {name + ':':<8}{json.dumps(difference[name])[:_LINE_CHARS]}"
    for one in diverged[:_SHOWN]:
        yield f"diverged: improver run {one['key']} {one['detail']}"
    hidden = max(0, len(differences) - _SHOWN) + max(0, len(diverged) - _SHOWN)
    if hidden:
        yield f"and {hidden} more (--json shows all)"
    same = "the same, event by event" if not (differences or diverged) else "not the same"
    yield f"{words.counted(sum(replayed['events'].values()), 'event')}: {same}"

"""`run --repeats`: independent STOP runs one after the other, which share a budget.

Each is a run of its own in the store, with a seed of its own, and resumes like any other; what ties
them together stands in their heads (`SeriesPlace`). A series goes on with what is missing of it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from selftaught.analysis.run_head import RunHead, read_head
from selftaught.analysis.series import series_runs
from selftaught.app.compose import run_study
from selftaught.app.resume import (
    StoredRun,
    find_run,
    stored_result,
    to_finish,
    to_go_on,
    with_budget,
)
from selftaught.core.budget import Usage
from selftaught.core.errors import ConfigError
from selftaught.core.language_model import ModelFunction
from selftaught.core.progress import Listener, silent
from selftaught.core.task import Task
from selftaught.journal.events import SeriesPlace
from selftaught.journal.location import check_writable
from selftaught.journal.reader import open_reader
from selftaught.journal.run_id import new_run_id
from selftaught.journal.run_lock import hold_run, series_lock
from selftaught.studies.next_command import next_command
from selftaught.studies.registry import find_study
from selftaught.studies.results import STOPPED, has_ended
from selftaught.studies.study import Asked, NothingMeasured, Repeated

Json = dict[str, Any]


async def run_repeated(asked: Asked[Any], listener: Listener = silent) -> Json:
    """As many runs as the configuration repeats, one where it knows no repeats; the object of
    `--json`.

    One run gives its own object; several give
    `{"series_id", "state", "runs": [...], "curve", "usage", "wall_s"}`, where `runs` are the
    objects of those that measured anything, and `state` is `budget` if the budget ended them.

    Raises: as `run_study`; NothingMeasured if the first run measured nothing.
    """
    study = find_study(asked.config.command)
    if not isinstance(study, Repeated) or asked.config.repeats == 1:
        return await run_study(asked, listener)
    check_writable(asked.config.store)
    series_id = new_run_id(datetime.now(UTC), os.urandom(2))
    return await _Series(series_id, study, asked).run(listener)


def find_unfinished(
    store: str, run: str, budget: Mapping[str, float] | None = None, *, finish: bool = False
) -> StoredRun:
    """A run that can be gone on with, by itself or because runs of its series are missing: of a
    series the one that was started last, which has the budget of all.

    Args:
        finish: only its best so far is measured, which spends nothing.
    Raises: ConfigError if there is none, nothing is left to do, or more than the budget is spent.
    """
    stored = find_run(store, run)
    place = stored.head.series
    limits = budget or {}
    if finish and limits:
        raise ConfigError("--finish spends nothing: leave out the budget")
    if finish:
        return to_finish(stored)
    if place is None:
        return to_go_on(stored, limits)
    heads = _started(store, place.series_id)
    last = last_of_series(stored)
    if last.head.state == "done" and len(heads) < place.of:
        return with_budget(last, limits)
    if not has_ended(last.head) or limits:
        return to_go_on(last, limits)
    raise ConfigError(
        f"series {place.series_id} has ended, with {len(heads)} of {place.of} runs: there is "
        f"nothing to resume; see {next_command('show', place.series_id, store)}"
    )


def last_of_series(stored: StoredRun) -> StoredRun:
    """The run of its series that was started last; one that is of none, itself."""
    place, store = stored.head.series, stored.config.store
    if place is None:
        return stored
    heads = _started(store, place.series_id)
    return find_run(store, heads[max(heads)].run_id)


async def resume_study(
    stored: StoredRun,
    tasks: Sequence[Task],
    listener: Listener = silent,
    function: ModelFunction | None = None,
    *,
    finish: bool = False,
) -> Json:
    """Go on with a run, or with the whole series of which it is the last; the object of its
    `--json`.
    """
    study, place = find_study(stored.head.command), stored.head.series
    asked = Asked(stored.config, tasks, stored.improver, function, finish)
    if place is None or not isinstance(study, Repeated):
        return await run_study(asked, listener, resumed=stored)
    first = replace(asked, config=replace(stored.config, seed=stored.config.seed - place.index))
    return await _Series(place.series_id, study, first).run(listener, resumed=True)


@dataclass(frozen=True, slots=True)
class _Series:
    """`asked` is what the first run is asked; the others differ in their seeds."""

    series_id: str
    study: Repeated
    asked: Asked[Any]

    async def run(self, listener: Listener, *, resumed: bool = False) -> Json:
        store, of = self.asked.config.store, self.asked.config.repeats
        results: list[Json] = []
        # One process at a time says which run is next.
        with hold_run(store, series_lock(self.series_id)):
            heads = _started(store, self.series_id) if resumed else {}
            for index in range(of):
                usage = sum((Usage(**result["usage"]) for result in results), Usage())
                wall_s = sum(result["wall_s"] for result in results)
                place = SeriesPlace(self.series_id, index, of, usage, wall_s)
                try:
                    result = await self._one(heads.get(index), place, listener)
                except NothingMeasured:
                    if not results:
                        raise
                    break
                if result is None:
                    break
                results.append(result)
                if result["state"] != "done":
                    break
        is_done = len(results) == of and results[-1]["state"] == "done"
        return _series_result(store, self.series_id, results, "done" if is_done else "budget")

    async def _one(
        self, head: RunHead | None, place: SeriesPlace, listener: Listener
    ) -> Json | None:
        """The result of one run, from the journal if it has ended; None if it measured nothing."""
        config = self.asked.config
        if head is None:
            again = replace(self.asked, config=replace(config, seed=config.seed + place.index))
            return await run_study(again, listener, place=place)
        stored = find_run(config.store, head.run_id)
        keys = {"api_key_file": config.api_key_file, "api_key_env": config.api_key_env}
        going_on = replace(stored.config, budget=config.budget, **keys)
        # What ended at a budget goes on with another.
        if head.state == "done" or (
            head.state == "budget" and config.budget == stored.config.budget
        ):
            return stored_result(config.store, head.run_id)
        again = replace(self.asked, config=going_on, improver=stored.improver)
        return await run_study(again, listener, resumed=stored, place=stored.head.series)


def so_far(store: str, run_id: str) -> Json | None:
    """What a run has come to by now, or the whole series that it is of; None if that is nothing."""
    with open_reader(store) as reader:
        head = read_head(reader, run_id)
    if head.series is None:
        return stored_result(store, run_id)
    series_id = head.series.series_id
    ids = [one.run_id for _, one in sorted(_started(store, series_id).items())]
    results = [result for one in ids if (result := stored_result(store, one)) is not None]
    return _series_result(store, series_id, results, STOPPED) if results else None


def _series_result(store: str, series_id: str, results: Sequence[Json], state: str) -> Json:
    with open_reader(store) as reader:
        study = find_study(read_head(reader, series_id).command)
        assert isinstance(study, Repeated)
        curve = study.curve(reader, series_id)
    return {
        "series_id": series_id,
        "state": state,
        "runs": results,
        "curve": curve,
        "usage": asdict(sum((Usage(**result["usage"]) for result in results), Usage())),
        "wall_s": sum(result["wall_s"] for result in results),
    }


def _started(store: str, series_id: str) -> Mapping[int, RunHead]:
    with open_reader(store) as reader:
        return series_runs(reader, series_id)

"""Ending a run that another process holds, in order."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from selftaught.analysis.run_head import RUNNING, read_head
from selftaught.analysis.series import series_runs
from selftaught.app.run_list import summary
from selftaught.app.series import so_far
from selftaught.core.errors import ConfigError, InfrastructureError
from selftaught.journal.holder import Holder
from selftaught.journal.reader import open_reader
from selftaught.journal.run_lock import lock_state, really_holds, series_lock
from selftaught.studies.next_command import next_command
from selftaught.studies.results import has_ended

_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class HeldRun:
    """A run that goes on, and who holds it.

    Attributes:
        run_id: of the run; of a series, of the one that was started last.
        locks: names of all locks that its process may hold of it.
    """

    store: str
    run_id: str
    locks: Sequence[str]
    holder: Holder


def find_held(store: str, run: str) -> HeldRun:
    """A run, by its id, the start of it, or `latest`, with the process that holds it, or that
    holds any run of its series.

    Raises: ConfigError if none does, or none that can be stopped from here.
    """
    with open_reader(store) as reader:
        run_id = reader.resolve_run(run)
        head = read_head(reader, run_id)
        locks = [run_id]
        if head.series is not None:
            ids = [one.run_id for one in series_runs(reader, head.series.series_id).values()]
            run_id, locks = ids[-1], [series_lock(head.series.series_id), *reversed(ids)]
    for name in locks:
        state = lock_state(store, name)
        if not state.is_held:
            continue
        if state.holder is None or not really_holds(store, name, state.holder):
            where = state.holder or "a process that is not told"
            raise ConfigError(
                f"run {run_id} goes on in {where}, which cannot be seen from here: stop it where "
                "it was started"
            )
        return HeldRun(store, run_id, locks, state.holder)
    if head.state == RUNNING:  # it ended while we looked
        return find_held(store, run)
    raise ConfigError(
        f"run {head.run_id} is not running ({head.state}): there is nothing to stop; "
        f"see {next_command('show', head.run_id, store)}"
    )


def end_held(held: HeldRun, wait_s: float, tell: Callable[[str], None]) -> None:
    """Ask its process to end, and wait until it has.

    Raises: ConfigError if it may not be asked; InfrastructureError if it has not ended in time.
    """
    holder = held.holder
    tell(f"stopping run {held.run_id}, in {holder}")
    try:
        os.kill(holder.pid, holder.stop_signal)
    except ProcessLookupError:
        pass  # it has just ended
    except PermissionError:
        raise ConfigError(f"{holder} is another user's: only that user can stop it") from None
    end_s = time.monotonic() + wait_s
    while any(lock_state(held.store, name).is_held for name in held.locks):
        if time.monotonic() >= end_s:
            raise InfrastructureError(
                f"run {held.run_id} has not ended after {wait_s:g} s; wait for it, or kill "
                f"process {holder.pid}: a run that was killed can be gone on with as well"
            )
        time.sleep(_LOOK_S)


def what_stands(held: HeldRun) -> dict[str, Any]:
    """How the run has ended, and what it has kept; the object of `stop --json`."""
    with open_reader(held.store) as reader:
        head = read_head(reader, held.run_id)
        kept = summary(reader, held.run_id)
    result = so_far(held.store, held.run_id)
    resume = None if has_ended(head) else next_command("resume", held.run_id, held.store)
    return {
        "run_id": held.run_id,
        "command": head.command,
        "state": head.state,
        "detail": head.detail,
        "iterations": kept.iterations,
        "usage": asdict(kept.usage),
        "resume": resume,
        "result": result,
    }

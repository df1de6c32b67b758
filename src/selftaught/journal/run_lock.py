"""One process at a time writes a run."""

from __future__ import annotations

from contextlib import AbstractContextManager

from selftaught.journal.database import Location
from selftaught.journal.holder import Holder, LockState
from selftaught.journal.location import locate


def hold_run(store: str | Location, run_id: str) -> AbstractContextManager[None]:
    """Be the only holder of a run while the block lasts, among all that write to the store.

    A holder that was killed keeps nobody out. The store's folder, or its server, must be there.

    Raises: ConfigError if someone else holds it, this process included, or if there can be no
        lock.
    """
    return _located(store).hold(run_id)


def lock_state(store: str | Location, run_id: str) -> LockState:
    """Who holds a run, or held it when it was killed. Changes nothing."""
    return _located(store).lock_state(run_id)


def really_holds(store: str | Location, run_id: str, holder: Holder) -> bool:
    """Whether this process of this host is the one that holds the run now."""
    return _located(store).really_holds(run_id, holder)


def series_lock(series_id: str) -> str:
    """The name of the lock of whoever says which run of a series is next."""
    return f"{series_id}.series"


def _located(store: str | Location) -> Location:
    return store if isinstance(store, Location) else locate(store)

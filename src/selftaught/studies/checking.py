"""What `verify` asks of any event: its key, and estimates that follow from their values."""

from __future__ import annotations

from collections.abc import Iterator

from selftaught.core.statistics import Estimate, close
from selftaught.engine.keys import make_key
from selftaught.journal.codec import Event


def key_problem(root: str, event: Event, *path: str | int) -> Iterator[str]:
    """Keys of what no guest asks for follow from the run's seed and what the event says.

    Args:
        root: the key of the run.
    """
    expected = make_key(root, *path)
    if event.key != expected:
        yield f"the key of this {event.kind} is {event.key}, but what it says makes {expected}"


def estimate_problem(what: str, said: Estimate, found: Estimate) -> Iterator[str]:
    """Means and intervals are computed anew, so they may differ in their last digits."""
    interval, again = said.ci95, found.ci95
    same = said.n == found.n and close(said.mean, found.mean)
    if same and interval is not None and again is not None:
        same = len(interval) == 2 and all(map(close, interval, again))
    elif same:
        same = interval is None and again is None
    if not same:
        yield f"{what} come to {found.as_json()}, and it says {said.as_json()}"

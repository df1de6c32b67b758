"""Whether an estimate that a journal states is the one that its values come to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from selftaught.core.statistics import Estimate


def shown_estimate(said: Mapping[str, Any]) -> Estimate:
    """An estimate as the object of a result shows it."""
    return Estimate(said["mean"], said["ci95"], said["n"])


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


def close(first: float, second: float) -> bool:
    """Equal but for the last digits."""
    return math.isclose(first, second, rel_tol=1e-9, abs_tol=1e-9)

"""Means with intervals that hold: strata are tasks, observations are improver runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its interval, from so many observations.

    `ci95` is the 95 % confidence interval, or None where it cannot be had from so few.
    """

    mean: float
    ci95: tuple[float, float] | None
    n: int

    def as_json(self) -> dict[str, Any]:
        return {
            "mean": self.mean,
            "ci95": None if self.ci95 is None else list(self.ci95),
            "n": self.n,
        }


def close(first: float, second: float) -> bool:
    """Equal but for the last digits, as numbers are that were computed anew."""
    return math.isclose(first, second, rel_tol=1e-9, abs_tol=1e-9)


def estimate(strata: Mapping[str, Sequence[float]]) -> Estimate:
    """Mean over strata of the means within, with Student's t interval.

    The tasks are the ones that are asked about, not a sample of tasks: so the variance is that of
    a stratified mean, and the degrees of freedom are Satterthwaite's (Biometrics Bulletin 2, 1946).

    Args:
        strata: observations by task; none empty.
    Raises: ValueError without observations.
    """
    from scipy.special import stdtrit  # a tenth of the time that scipy.stats takes to load

    if not strata or any(len(values) == 0 for values in strata.values()):
        raise ValueError("an estimate needs observations in each stratum")
    means = [math.fsum(values) / len(values) for values in strata.values()]
    mean = math.fsum(means) / len(means)
    n = sum(len(values) for values in strata.values())
    if any(len(values) < 2 for values in strata.values()):
        return Estimate(mean, None, n)
    share = 1.0 / len(means) ** 2
    parts = [
        (share * _variance(values, middle) / len(values), len(values) - 1)
        for values, middle in zip(strata.values(), means, strict=True)
    ]
    variance = math.fsum(part for part, _ in parts)
    if variance == 0.0:
        return Estimate(mean, (mean, mean), n)
    freedom = 1.0 / math.fsum((part / variance) ** 2 / degrees for part, degrees in parts)
    half = float(stdtrit(freedom, 0.975)) * math.sqrt(variance)
    return Estimate(mean, (mean - half, mean + half), n)


def paired_difference(
    first: Mapping[str, Sequence[float]], second: Mapping[str, Sequence[float]]
) -> Estimate:
    """Estimate of first minus second, where observation i of a task pairs with observation i.

    Raises: ValueError if the shapes differ.
    """
    if {task: len(values) for task, values in first.items()} != {
        task: len(values) for task, values in second.items()
    }:
        raise ValueError("paired observations must have the same tasks and counts")
    return estimate(
        {
            task: [a - b for a, b in zip(values, second[task], strict=True)]
            for task, values in first.items()
        }
    )


def _variance(values: Sequence[float], mean: float) -> float:
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)

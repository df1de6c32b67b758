"""Means with intervals that hold: strata are tasks, observations are improver runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, NamedTuple, TypeVar

K = TypeVar("K")


class Bounds(NamedTuple):
    """The lowest value, which is what a failure is worth, and the highest, which may be infinite.

    `widens` says whether equal values have an interval with a width; in older runs they had none.
    """

    lowest: float
    highest: float
    widens: bool = True


UNIT = Bounds(0.0, 1.0)  # of what is normalised
FEW = 5  # of fewer observations, that they are equal tells little


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its interval, from so many observations.

    `mean` is infinite where an observation is, as the cost of a failure, and NaN of a difference
    between two such. `ci95` is the 95 % confidence interval, or None where it cannot be had: from
    too few, or where there is nothing but failures.
    """

    mean: float
    ci95: tuple[float, float] | None
    n: int

    def as_json(self) -> dict[str, Any]:
        return {
            "mean": self.mean if math.isfinite(self.mean) else None,
            "ci95": None if self.ci95 is None else list(self.ci95),
            "n": self.n,
        }


def close(first: float, second: float) -> bool:
    """Equal but for the last digits, as numbers are that were computed anew."""
    return math.isclose(first, second, rel_tol=1e-9, abs_tol=1e-9)


def estimate(
    strata: Mapping[str, Sequence[float]],
    bounds: Bounds | None = None,
    *,
    lowest_fails: bool = True,
) -> Estimate:
    """Mean over strata of the means within, with Student's t interval.

    The tasks are the ones that are asked about, not a sample of tasks: so the variance is that of
    a stratified mean, and the degrees of freedom are Satterthwaite's (Biometrics Bulletin 2, 1946).

    Where that interval would leave the bounds of what is observed, it is Student's t on the scale
    of the logit, which cannot (Korn and Graubard, Survey Methodology 24, 1998). Of observations
    that are all worth as little as a failure there is none, if `lowest_fails`.

    n observations at a bound only tell that others are rare: as Clopper and Pearson have it
    (Biometrika 26, 1934), that at least 0.025^(1/n) are so; the rest may lie anywhere within the
    bounds. So do few equal ones; many that are equal between the bounds are taken at their word, as
    of two programs whose values differ by as much on all instances.

    Raises: ValueError without observations.
    """
    if not strata or any(len(values) == 0 for values in strata.values()):
        raise ValueError("an estimate needs observations in each stratum")
    if not all(math.isfinite(value) for values in strata.values() for value in values):
        return Estimate(sum(map(sum, strata.values())), None, sum(map(len, strata.values())))
    if bounds is not None and lowest_fails and _failures_alone(strata, bounds):
        return Estimate(bounds.lowest, None, sum(map(len, strata.values())))
    return _estimate(strata, bounds)


def _failures_alone(strata: Mapping[str, Sequence[float]], bounds: Bounds) -> bool:
    return all(value == bounds.lowest for values in strata.values() for value in values)


def _estimate(strata: Mapping[str, Sequence[float]], bounds: Bounds | None) -> Estimate:
    n = sum(map(len, strata.values()))
    mean, parts = _parts(strata)
    if not parts:
        return Estimate(mean, None, n)
    variance = math.fsum(part for part, _ in parts)
    is_bounded = bounds is not None and math.isfinite(bounds.highest)
    if variance == 0.0:
        tells_little = bounds is not None and (n < FEW or mean in bounds[:2])
        if bounds is None or not (is_bounded and bounds.widens and tells_little):
            return Estimate(mean, (mean, mean), n)
        share = 0.025 ** (1 / n)
        low, high = (share * mean + (1 - share) * end for end in bounds[:2])
        return Estimate(mean, (min(low, mean), max(high, mean)), n)
    half = student_t(_freedom(parts), 0.025) * math.sqrt(variance)
    low, high = mean - half, mean + half
    if bounds is not None and is_bounded and not bounds.lowest <= low <= high <= bounds.highest:
        low, high = _by_logit(mean, half, bounds)
    return Estimate(mean, (low, high), n)


def _parts(strata: Mapping[str, Sequence[float]]) -> tuple[float, list[tuple[float, int]]]:
    """The mean over strata, and each one's part of its variance with the degrees of freedom; no
    parts where a stratum has but one observation."""
    means = [math.fsum(values) / len(values) for values in strata.values()]
    mean = math.fsum(means) / len(means)
    if any(len(values) < 2 for values in strata.values()):
        return mean, []
    share = 1.0 / len(means) ** 2
    return mean, [
        (share * _variance(values, middle) / len(values), len(values) - 1)
        for values, middle in zip(strata.values(), means, strict=True)
    ]


def _freedom(parts: Sequence[tuple[float, int]]) -> float:
    variance = math.fsum(part for part, _ in parts)
    return 1.0 / math.fsum((part / variance) ** 2 / degrees for part, degrees in parts)


def are_alike(strata: Mapping[str, Sequence[float]]) -> bool:
    """Whether the values of each stratum are all the same, but for rounding."""
    return all(close(min(values), max(values)) for values in strata.values())


def two_sided_p(strata: Mapping[str, Sequence[float]]) -> float:
    """How often a mean as far from 0 as that of these comes by chance, by Student's t. Without
    bounds the interval of `estimate` leaves 0 out where it is below 0.05; with them it may not.

    Of differences that are all the same but for rounding, whose interval has no width, it is that
    of the sign test; of too few of them, or where they are 0, 1.

    Args:
        strata: finite observations, as of `estimate`.
    """
    mean, parts = _parts(strata)
    if not parts or mean == 0.0:
        return 1.0
    if are_alike(strata):
        return 1.0 if close(mean, 0.0) else 2.0 ** (1 - sum(map(len, strata.values())))
    variance = math.fsum(part for part, _ in parts)
    a, t_squared = _freedom(parts) / 2, mean * mean / variance
    x = 1 / (1 + t_squared / (2 * a))
    if x > (a + 1) / (a + 2.5):  # where the other end of the beta function is sooner reached
        y = 1 / (1 + 2 * a / t_squared)
        return 1 - _beta_share(0.5, a, y)
    return _beta_share(a, 0.5, x)


def _beta_share(a: float, b: float, x: float) -> float:
    """The incomplete beta function I_x(a, b)."""
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    log_share = a * math.log(x) + b * math.log1p(-x) - log_beta
    return math.exp(log_share) / (a * _beta_fraction(a, b, x))


def _beta_fraction(a: float, b: float, x: float) -> float:
    """The denominator of the incomplete beta function I_x(a, b), DLMF 8.17.22."""
    fraction = 1.0
    for m in range(30 + 2 * math.isqrt(int(max(a, b))), -1, -1):
        even, odd = a + 2 * m + 1, a + 2 * m
        fraction = 1 - (m + 1) * (m + 1 - b) * x / (even * (even + 1)) / fraction
        fraction = 1 - (a + m) * (a + m + b) * x / (odd * (odd + 1)) / fraction
    return fraction


def student_t(freedom: float, beyond: float) -> float:
    """What Student's t exceeds with this probability, at most a tenth; to ten digits.

    Newton's method on the logarithm of the tail, which is half of an incomplete beta function. To
    load scipy takes longer than most commands do.
    """
    a = freedom / 2
    log_beta = math.lgamma(a) + math.lgamma(0.5) - math.lgamma(a + 0.5)
    log_t = math.log(-NormalDist().inv_cdf(beyond))
    for _ in range(6):  # five, from one degree of freedom on
        x = 1 / (1 + math.exp(2 * log_t) / freedom)
        share = 1 / (freedom * _beta_fraction(a, 0.5, x))
        log_tail = a * math.log(x) + 0.5 * math.log1p(-x) - log_beta + math.log(share)
        log_t += (log_tail - math.log(beyond)) * share
    return math.exp(log_t)


def _by_logit(mean: float, half: float, bounds: Bounds) -> tuple[float, float]:
    """An interval within the bounds, by the delta method."""
    lowest, width = bounds.lowest, bounds.highest - bounds.lowest
    share = (mean - lowest) / width
    if not 0.0 < share < 1.0:
        return mean, mean  # all at a bound, but for rounding
    # Beyond this a logistic function is 0 or 1 in floating point.
    spread = min(600.0, half / width / (share * (1.0 - share)))
    odds = share / (1.0 - share)
    ends = (odds * math.exp(sign * spread) for sign in (-1.0, 1.0))
    low, high = (min(bounds.highest, lowest + width * (end / (1.0 + end))) for end in ends)
    return low, high


def paired_difference(
    first: Mapping[str, Sequence[float]],
    second: Mapping[str, Sequence[float]],
    bounds: Bounds | None = None,
    *,
    lowest_fails: bool = True,
) -> Estimate:
    """Estimate of first minus second, where observation i of a task pairs with observation i.

    Args:
        bounds: of the observations, as of `estimate`; a difference is between minus and plus their
            width, and of failures alone there is none to be told.
        lowest_fails: as of `estimate`.
    Raises: ValueError if the shapes differ.
    """
    if {task: len(values) for task, values in first.items()} != {
        task: len(values) for task, values in second.items()
    }:
        raise ValueError("paired observations must have the same tasks and counts")
    differences = {
        task: [0.0 if a == b else a - b for a, b in zip(values, second[task], strict=True)]
        for task, values in first.items()
    }
    if bounds is None:
        return estimate(differences)
    if lowest_fails and _failures_alone(first, bounds) and _failures_alone(second, bounds):
        return Estimate(0.0, None, sum(map(len, first.values())))
    width = bounds.highest - bounds.lowest
    return _estimate(differences, Bounds(-width, width, bounds.widens))


def holm(p_values: Mapping[K, float]) -> dict[K, float]:
    """Adjusted p-values, which keep the probability of any wrong rejection among all of them.

    Source: Holm, Scandinavian Journal of Statistics 6, 1979.
    """
    adjusted: dict[K, float] = {}
    highest = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = highest
    return {name: adjusted[name] for name in p_values}


def _variance(values: Sequence[float], mean: float) -> float:
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def clopper_pearson(count: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share, of n that are independent (Biometrika 26, 1934): the shares
    under which so many, and so few, come with a probability of at least 2.5 %."""
    return _least_share(count, n), 1.0 - _least_share(n - count, n)


def _least_share(count: int, n: int) -> float:
    if count == 0:
        return 0.0
    low, high = 0.0, 1.0
    while low < (share := (low + high) / 2) < high:
        logs = (
            math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
            + k * math.log(share) + (n - k) * math.log1p(-share)
            for k in range(count, n + 1)
        )  # fmt: skip
        low, high = (share, high) if math.fsum(map(math.exp, logs)) < 0.025 else (low, share)
    return low

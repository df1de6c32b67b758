"""Tests of paired differences, and what several of them come to together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

# With more differences than this there are too many ways to flip signs to go through all of them.
_MOST_EXACT = 20
_DRAWN = 99_999
_DRAWN_AT_ONCE = 10_000
# Sums of the same numbers in another order differ in their last digits, and count as equal.
_ROUNDING = 1e-12


def sign_flip_p(differences: Sequence[float]) -> float:
    """Two-sided p-value of the sign-flip permutation test, whose statistic is the sum.

    If it makes no difference which of the two did the one and which the other half of each pair,
    every difference may as well have the other sign. The p-value is the share of all ways to flip
    signs whose sum is as far from 0 as the one observed: exact whatever the distribution. Of more
    than 20 differences that are not 0, of 99,999 ways drawn with a fixed seed, the observed one
    counted among them.

    Source: Fisher, The Design of Experiments, 1935, section 21; for drawn ways Phipson and Smyth,
        Statistical Applications in Genetics and Molecular Biology 9, 2010.
    """
    sizes = np.abs([value for value in differences if value != 0.0])
    if len(sizes) == 0:
        return 1.0
    least = abs(math.fsum(differences)) - _ROUNDING * float(sizes.sum())
    if len(sizes) <= _MOST_EXACT:
        sums = np.zeros(1)
        for size in sizes:
            sums = np.concatenate([sums + size, sums - size])
        return float(np.mean(np.abs(sums) >= least))
    rng = np.random.Generator(np.random.PCG64(0))
    as_far = 0
    for start in range(0, _DRAWN, _DRAWN_AT_ONCE):
        ways = min(_DRAWN_AT_ONCE, _DRAWN - start)
        signs = rng.integers(0, 2, (ways, len(sizes))) * 2 - 1
        as_far += int(np.count_nonzero(np.abs(signs @ sizes) >= least))
    return (as_far + 1) / (_DRAWN + 1)


def least_sign_flip_p(n: int) -> float:
    """The lowest p-value that `n` differences can come to."""
    return 2.0 ** (1 - n) if n <= _MOST_EXACT else 1 / (_DRAWN + 1)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjusted p-values, which keep the probability of any wrong rejection among all of them.

    Source: Holm, Scandinavian Journal of Statistics 6, 1979.
    """
    adjusted: dict[str, float] = {}
    highest = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = highest
    return {name: adjusted[name] for name in p_values}

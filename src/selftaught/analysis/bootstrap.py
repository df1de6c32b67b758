"""Bootstrap intervals of a mean."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from selftaught.core.statistics import Estimate

RESAMPLES = 10_000
_SEED = 2310_02304  # fixed, so that the same journal gives the same figure
_TAILS = (0.025, 0.975)


def bootstrap_mean(values: Sequence[float]) -> Estimate:
    """The mean of independent observations with its 95 % percentile bootstrap interval.

    The observations are resampled with replacement, as many as there are, 10,000 times; the
    interval runs from the 2.5th to the 97.5th percentile of the resamples' means. Of few
    observations it is too narrow: where they are normal it holds the true mean in some 94 of 100
    cases for twenty, 84 for five, 72 for three, and 50 for two. Of one there is none.

    Raises: ValueError without observations.
    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    if not values:
        raise ValueError("a mean needs observations")
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return Estimate(mean, None, len(values))
    observed = np.asarray(values, dtype=np.float64)
    drawn = np.random.Generator(np.random.PCG64(_SEED)).integers(
        0, len(values), size=(RESAMPLES, len(values))
    )
    low, high = np.quantile(observed[drawn].mean(axis=1), _TAILS)
    return Estimate(mean, (float(low), float(high)), len(values))

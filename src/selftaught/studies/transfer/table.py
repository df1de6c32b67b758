"""What a transfer study comes to, from the values of its runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from selftaught.core.statistics import Bounds, estimate, holm, paired_difference

Values = Sequence[float]

# With more differences than this there are too many ways to flip signs to go through all of them.
_MOST_EXACT = 20
_DRAWN = 99_999
_DRAWN_AT_ONCE = 10_000
# Sums of the same numbers in another order differ in their last digits, and count as equal.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class TransferredTask:
    """Values on test of one task, in its own units, of costs negated: higher is better.

    Place i of each is of the same instances.

    Attributes:
        seed_improver, improved_improver: of what the improvers made of the seed.
        seed_restarted: of the best by search of several runs of the seed improver, which drew as
            many samples as the improved one; None if it was not measured.
        bounds: of the values, as far as intervals know of them.
    """

    task: str
    seed_program: Values
    seed_improver: Values
    improved_improver: Values
    seed_restarted: Values | None = None
    minimize: bool = False
    bounds: Bounds | None = None

    def mean(self, values: Values | None) -> dict[str, Any] | None:
        """With its interval, of costs as costs."""
        if values is None:
            return None
        sign = -1 if self.minimize else 1
        return estimate({"": [sign * one for one in values]}, self.bounds).as_json()

    def improvements(self, samples: Mapping[str, int]) -> dict[str, dict[str, Any]]:
        """What each improver made of the seed program more than that program is worth, paired.

        Args:
            samples: that each drew in all runs. k is their mean over runs.
        Source: imp@k, the gain of an improver that changes no more, on a new task, within k tries:
            Zhang et al., Hyperagents, 2026 (arXiv 2603.19461). There k counts modifications, of
            which each sample here is one.
        """
        seed = {"": self.seed_program}
        return {
            name: {
                "k": drawn / len(self.seed_program),
                **paired_difference({"": getattr(self, name)}, seed, self.bounds).as_json(),
            }
            for name, drawn in samples.items()
        }


def transfer_rows(tasks: Sequence[TransferredTask]) -> list[dict[str, Any]]:
    """A row a task: means with intervals, and differences with p-values.

    The p-values are those of the sign-flip test, by themselves (`p_value`) and corrected after
    Holm over all the tasks (`p_holm`); against the restarted seed improver, over those for which
    it was measured.
    """
    against_seed = _tested(
        {one.task: (one.improved_improver, one.seed_improver, one.bounds) for one in tasks}
    )
    against_restarted = _tested(
        {
            one.task: (one.improved_improver, one.seed_restarted, one.bounds)
            for one in tasks
            if one.seed_restarted is not None
        }
    )
    return [
        {
            "task": one.task,
            "seed_program": one.mean(one.seed_program),
            "seed_improver": one.mean(one.seed_improver),
            "improved_improver": one.mean(one.improved_improver),
            "seed_restarted": one.mean(one.seed_restarted),
            "vs_seed_improver": against_seed[one.task],
            "vs_seed_restarted": against_restarted.get(one.task),
        }
        for one in tasks
    ]


def _tested(
    pairs: Mapping[str, tuple[Values, Values, Bounds | None]],
) -> dict[str, dict[str, Any]]:
    """First minus second of each task, with its interval and p-values."""
    p_values = {
        task: sign_flip_p([0.0 if a == b else a - b for a, b in zip(first, second, strict=True)])
        for task, (first, second, _) in pairs.items()
    }
    corrected = holm(p_values)
    return {
        task: {
            **paired_difference({"": first}, {"": second}, bounds).as_json(),
            "p_value": p_values[task],
            "p_holm": corrected[task],
        }
        for task, (first, second, bounds) in pairs.items()
    }


def sign_flip_p(differences: Sequence[float]) -> float:
    """Two-sided p-value of the sign-flip permutation test, whose statistic is the sum.

    If it makes no difference which of the two did the one and which the other half of each pair,
    every difference may as well have the other sign. The p-value is the share of all ways to flip
    signs whose sum is as far from 0 as the one observed: exact whatever the distribution. Of more
    than 20 differences that are not 0, of 99,999 ways drawn with a fixed seed, the observed one
    counted among them. An infinite difference, of a failure, outweighs all finite ones together.

    Source: Fisher, The Design of Experiments, 1935, section 21; for drawn ways Phipson and Smyth,
        Statistical Applications in Genetics and Molecular Biology 9, 2010.
    """
    beyond = 1 + 2 * math.fsum(abs(one) for one in differences if math.isfinite(one))
    bounded = [min(beyond, max(-beyond, one)) for one in differences]
    sizes = np.abs([value for value in bounded if value != 0.0])
    if len(sizes) == 0:
        return 1.0
    least = abs(math.fsum(bounded)) - _ROUNDING * float(sizes.sum())
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

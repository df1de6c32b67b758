"""Whether scores on the instances that were searched on hold on others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from selftaught.core.statistics import student_t

_LEVEL = 0.025  # one-sided


@dataclass(frozen=True, slots=True)
class Excess:
    """How far scores on search lie above scores on fresh instances.

    Attributes:
        difference: mean on search minus mean on fresh instances.
        at_least: what of it luck does not explain; above 0, the scores on search do not hold.
        search, fresh: the two means.
        n_search, n_fresh: observations.
        of: among how many it was the best on search, or may have been.
        holds: whether luck explains all of it.
    """

    difference: float
    at_least: float
    search: float
    fresh: float
    n_search: int
    n_fresh: int
    of: int
    holds: bool


def excess(
    search: Mapping[str, Sequence[float]],
    fresh: Mapping[str, Sequence[float]],
    *,
    of: int,
    spread: Mapping[str, float],
) -> Excess:
    """Compare scores by task; the two sets are of different instances, and not paired.

    The best of many noisy scores lies above its mean by luck alone (the winner's curse), so the
    one-sided 97.5 % limit is Bonferroni's for `of` candidates. With one score on search, it is the
    limit of a prediction interval from the fresh scores; with several, Welch's for the difference
    of two means, degrees of freedom by Satterthwaite (Biometrics Bulletin 2, 1946), over tasks
    as strata of equal weight.

    Args:
        search, fresh: scores by task; of each task at least one on search and two fresh ones.
        of: how many candidates were scored on search.
        spread: by task, the usual variance of a candidate's scores over instances, below which no
            candidate's own is taken: a few equal scores are no proof that there is none.
    Raises: ValueError if there are fewer.
    """
    if not search or search.keys() != fresh.keys():
        raise ValueError("both need scores of the same tasks")
    if any(len(search[task]) < 1 or len(fresh[task]) < 2 for task in search):
        raise ValueError("each task needs a score on search and two fresh ones")
    share = 1.0 / len(search)
    parts: list[tuple[float, int]] = []  # variance of a mean, degrees of freedom
    for task, values in search.items():
        others = fresh[task]
        usual = spread.get(task, 0.0)
        varies = max(variance(others), usual)
        if len(values) == 1:
            parts.append((share**2 * varies * (1 + 1 / len(others)), len(others) - 1))
        else:
            on_search = max(variance(values), usual)
            parts.append((share**2 * varies / len(others), len(others) - 1))
            parts.append((share**2 * on_search / len(values), len(values) - 1))
    searched = share * math.fsum(fmean(values) for values in search.values())
    anew = share * math.fsum(fmean(values) for values in fresh.values())
    total = math.fsum(part for part, _ in parts)
    margin = 1e-12 * max(abs(searched), abs(anew))  # of rounding
    if total > 0:
        freedom = 1.0 / math.fsum((part / total) ** 2 / degrees for part, degrees in parts)
        margin += student_t(freedom, _LEVEL / max(1, of)) * math.sqrt(total)
    return Excess(
        searched - anew,
        searched - anew - margin,
        searched,
        anew,
        sum(map(len, search.values())),
        sum(map(len, fresh.values())),
        of,
        searched - anew - margin <= 0,
    )

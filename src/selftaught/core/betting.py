"""Whether a proposal is better than the incumbent, with a bound on how often that is said wrongly.

Observations are differences, proposal minus incumbent, of two values in [0, 1], each pair on one
task, on instances that nothing else uses, so that all of them are independent. The hypothesis is
that the proposal is not better: the mean over the tasks of the differences' means is at most 0.
Against it a fixed share of a stake is bet on each observation (Waudby-Smith and Ramdas, Estimating
means of bounded random variables by betting, JRSS B 86, 2024): the stake is multiplied by
1 + bet x difference. In a round, a pair on each task, that has an expectation of
prod(1 + bet x mean), which is at most (1 + bet x mean of means)^tasks, at most 1, as a geometric
mean is at most the arithmetic one. So the stake, and the mean over several bets of it, is a
supermartingale, and exceeds 1 / error with a probability of at most `error`, whenever and however
often one looks (Ville's inequality). It does not depend on the order of the observations.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from selftaught.core.statistics import UNIT, Estimate, paired_difference

Pairs: TypeAlias = Mapping[str, Sequence[tuple[float, float]]]  # by task: proposal, incumbent

ERROR = 0.05  # of a run: the probability that it adopts anything that is not better
# A bet of all is best for the small differences that there are; but one -1 loses all.
BETS = (0.5, 1.0)
PAIRS = 180  # at most, shared by all tasks; docs/decisions/0054 says what these reach
LOOKS = (1 / 6, 1 / 3, 1 / 2, 3 / 4, 1.0)  # shares of the most
PACE = 3.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What observations come to.

    Attributes:
        adopted: whether the proposal is shown to be better.
        e_value: the stake; it began with 1, and `needed` adopts.
        pairs: observations.
    """

    adopted: bool
    e_value: float
    needed: float
    pairs: int

    @property
    def said(self) -> str:
        shown, sign = ("shown better", ">=") if self.adopted else ("not shown better", "<")
        value = f"e-value {self.e_value:.3g} {sign} {self.needed:.4g}"
        return f"{shown}: {value} after {self.pairs:,} pairs"


def needed_e_value(steps: int) -> float:
    """What adopts, if the run's error is spread evenly over its steps (Bonferroni)."""
    return steps / ERROR


def fewest_pairs(steps: int, tasks: int) -> int:
    """Pairs of whole rounds that adopt what is better by 1 in each: fewer can adopt nothing."""
    needed, rounds = math.log(needed_e_value(steps)), 1
    while log_e_value([1.0] * (rounds * tasks)) < needed:
        rounds += 1
    return rounds * tasks


def looks(most: int, tasks: int) -> list[int]:
    """After how many rounds, at least one, one looks if there may be so many pairs in all."""
    last = max(1, most // tasks)
    return sorted({min(last, math.ceil(most * share / tasks)) for share in LOOKS})


def log_e_value(differences: Iterable[float]) -> float:
    """Of the mean of the stakes over the bets."""
    listed = list(differences)
    logs = [_log_stake(bet, listed) for bet in BETS]
    most = max(logs)
    if most == -math.inf:
        return most
    return most + math.log(math.fsum(math.exp(one - most) for one in logs) / len(BETS))


def verdict(pairs: Pairs, needed: float, at: Sequence[int]) -> Verdict | None:
    """What is decided at the last of the rounds, each a pair a task; None if it is to go on.

    It is refused, too, where the logarithm of the stake would not come to what is needed if it
    grew to the last look `PACE` times as fast as so far. To stop without adopting is no error.

    Args:
        at: the looks, of which the last round there is is one.
    """
    rounds = min(map(len, pairs.values()))
    log_e = log_e_value(new - old for ones in pairs.values() for new, old in ones)
    count = rounds * len(pairs)
    value = math.exp(min(log_e, 700.0))  # larger ones are no floats
    if log_e >= math.log(needed):
        return Verdict(True, value, needed, count)
    if rounds >= at[-1] or log_e * PACE * at[-1] / rounds < math.log(needed):
        return Verdict(False, value, needed, count)
    return None


def paired(pairs: Pairs) -> Estimate:
    """The mean difference, with its interval. Where one stopped because of them, it is too sure."""
    new, old = (
        {task: [one[arm] for one in ones] for task, ones in pairs.items()} for arm in (0, 1)
    )
    return paired_difference(new, old, UNIT)


def _log_stake(bet: float, differences: Sequence[float]) -> float:
    won = [bet * one for one in differences]
    return math.fsum(map(math.log1p, won)) if min(won, default=0.0) > -1.0 else -math.inf

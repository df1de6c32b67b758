"""Numbers, intervals and decisions in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.core.statistics import FEW

SHORT_ID = 8
# Of fewer independent runs nothing is said to be better: intervals of so few are much too narrow.
FEW_RUNS = FEW


# Beyond these a number is told by its exponent.
_LARGEST, _MOST_DECIMALS = 1e15, 12


def number(value: float | None, decimals: int | None = None) -> str:
    """Four decimals near 1, four significant digits elsewhere, and of a whole number all.

    Args:
        decimals: so many, where an interval says how many count (see `decimals`).
    """
    if value is None:
        return "-"
    if not abs(value) < _LARGEST:
        return f"{value:.4g}"
    if decimals is not None:
        return f"{value:,.{decimals}f}"
    if value == 0 or 0.001 <= abs(value) < 10:
        return f"{value:.4f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def decimals(estimate: Mapping[str, Any]) -> int | None:
    """Decimals that show two digits of half the interval, and four near 1; None without one."""
    interval = estimate["ci95"]
    half = 0.0 if interval is None else (interval[1] - interval[0]) / 2
    if not 0 < half < math.inf:
        return None
    needed = 1 - math.floor(math.log10(half))
    is_near_1 = 0.001 <= abs(estimate["mean"]) < 10
    wanted = max(needed, 4 if is_near_1 else 0)
    return wanted if wanted <= _MOST_DECIMALS else None


def plain(value: float) -> str:
    """A bound as its author wrote it: 0, 1, 0.5, 11,670."""
    return f"{value:,.7g}" if abs(value) < 1e6 or abs(value) >= _LARGEST else f"{value:,.0f}"


def signed(value: float, decimals: int | None = None) -> str:
    return f"{'' if value < 0 else '+'}{number(value, decimals)}"


def interval(estimate: Mapping[str, Any], *, sign: bool = False) -> str:
    """The 95 % interval in brackets; of failures alone there is none, and only then of several."""
    n = estimate["n"]
    if estimate["ci95"] is None:
        return "[no interval]" if n < 2 else f"[failed {n:,} of {n:,}]"
    written, places = signed if sign else number, decimals(estimate)
    return f"[{', '.join(written(bound, places) for bound in estimate['ci95'])}]"


def mean_and_interval(estimate: Mapping[str, Any] | None, between: str = " ") -> str:
    if estimate is None:
        return "-"
    if estimate["mean"] is None:
        return "failed"
    return f"{number(estimate['mean'], decimals(estimate))}{between}{interval(estimate)}"


def difference(estimate: Mapping[str, Any]) -> str:
    """A difference over its interval, with their signs."""
    if estimate["mean"] is None:
        return "failed"
    return f"{signed_mean(estimate)}\n{interval(estimate, sign=True)}"


def signed_mean(estimate: Mapping[str, Any]) -> str:
    """A mean with its sign, in as many digits as its interval."""
    return signed(estimate["mean"], decimals(estimate))


def p_value(p: float) -> str:
    """Four decimals, and of less what it takes to see it."""
    return f"{p:.4f}" if p >= 0.001 else f"{p:.1e}"


def reading(difference: Mapping[str, Any], runs: int = 1) -> str:
    """What a paired difference shows, in plain words.

    Args:
        runs: independent runs that it is over; of few, higher is all that can be said.
    """
    above, below = ("better", "worse") if runs >= FEW_RUNS else ("higher", "lower")
    if difference["ci95"] is None:
        few = "too few runs for an interval" if difference["n"] < 2 else "all failed"
        return f"{few}: no difference shown"
    low, high = difference["ci95"]
    if low > 0:
        return f"the interval lies above 0: {above}"
    if high < 0:
        return f"the interval lies below 0: {below}"
    return "the interval holds 0: no difference shown"


def verdict(difference: Mapping[str, Any]) -> str:
    """Such as `higher by 0.1203 [+0.0814, +0.1592]`, or `tied: -0.0011 [-0.0201, +0.0179]`; of few
    sets of instances only the numbers."""
    low, high = difference["ci95"] or (0.0, 0.0)
    said, mean = interval(difference, sign=True), abs(difference["mean"])
    # Two equal sets are all that there is where a utility draws nothing.
    if difference["n"] < FEW and (low < high or difference["n"] > 2):
        return f"{signed_mean(difference)} {said}, of too few sets for a verdict"
    if low <= 0 <= high:
        return f"tied: {signed_mean(difference)} {said}"
    by = number(mean, decimals(difference))
    return f"{'higher' if low > 0 else 'lower'} by {by} {said}"


def decision(proposal: Mapping[str, Any] | None) -> str:
    """What became of a proposal, and why."""
    if proposal is None:
        return "the seed improver"
    decided = "adopted" if proposal["accepted"] else "refused"
    said = f"{decided}: {reason(proposal['reason'])}"
    difference = proposal["val_difference"]
    return said if difference is None else f"{said} ({signed(difference['mean'])})"


def reason(written: str) -> str:
    """Why a proposal was adopted or not, by what the run wrote down; of one run by itself nothing
    is called better."""
    return "higher on val" if written == "better on val" else written


def spending(usage: Mapping[str, Any], wall_s: float | None = None) -> str:
    tokens_in, tokens_out = usage["tokens_in"], usage["tokens_out"]
    parts = [
        counted(usage["lm_calls"], "model call"),
        counted(usage["samples"], "sample"),
        f"{tokens_in:,} tokens in and {tokens_out:,} out",
        money(usage["usd"]),
    ]
    if usage["requests"] != usage["lm_calls"]:
        parts.insert(1, counted(usage["requests"], "request"))
    if wall_s is not None:
        parts.append(duration(wall_s))
    return ", ".join(parts)


def money(usd: float) -> str:
    return f"{dollars(usd)} USD"


def dollars(usd: float) -> str:
    """Cents, and of less than a dollar what it takes to see it."""
    return f"{usd:.2f}" if usd >= 1 or usd == 0 else f"{usd:.4f}"


def place(series: Mapping[str, Any]) -> str:
    """Of a run in its series, such as `2 of 5 in series 20261123-045512-3f9a`."""
    return f"{series['index'] + 1} of {series['of']} in series {series['id']}"


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Such as `one, two and three`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def duration(seconds: float) -> str:
    """Such as 2.9 s, 1 min 05 s, or 2 h 03 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(math.floor(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"

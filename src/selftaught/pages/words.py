"""Numbers, intervals and decisions in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

SHORT_ID = 8


def number(value: float | None) -> str:
    """Four decimals near 1, four significant digits elsewhere."""
    if value is None:
        return "-"
    if value == 0 or 0.001 <= abs(value) < 10:
        return f"{value:.4f}"
    return f"{value:.4g}"


def plain(value: float) -> str:
    """A bound as its author wrote it: 0, 1, 0.5."""
    return f"{value:g}"


def signed(value: float) -> str:
    return number(value) if value < 0 else f"+{number(value)}"


def interval(estimate: Mapping[str, Any], *, sign: bool = False) -> str:
    """The 95 % interval in brackets."""
    if estimate["ci95"] is None:
        return "[no interval]"
    written = signed if sign else number
    return f"[{', '.join(written(bound) for bound in estimate['ci95'])}]"


def mean_and_interval(estimate: Mapping[str, Any] | None, between: str = " ") -> str:
    if estimate is None:
        return "-"
    if estimate["mean"] is None:
        return "failed"
    return f"{number(estimate['mean'])}{between}{interval(estimate)}"


def difference(estimate: Mapping[str, Any]) -> str:
    """A difference over its interval, with their signs."""
    if estimate["mean"] is None:
        return "failed"
    return f"{signed(estimate['mean'])}\n{interval(estimate, sign=True)}"


def reading(difference: Mapping[str, Any]) -> str:
    """What a paired difference shows, in plain words."""
    if difference["ci95"] is None:
        return "too few runs for an interval: no difference shown"
    low, high = difference["ci95"]
    if low > 0:
        return "the interval lies above 0: better"
    if high < 0:
        return "the interval lies below 0: worse"
    return "the interval holds 0: no difference shown"


def decision(proposal: Mapping[str, Any] | None) -> str:
    """What became of a proposal, and why."""
    if proposal is None:
        return "the improver to begin with"
    verdict = "adopted" if proposal["accepted"] else "refused"
    said = f"{verdict}: {proposal['reason']}"
    difference = proposal["val_difference"]
    return said if difference is None else f"{said} ({signed(difference['mean'])})"


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

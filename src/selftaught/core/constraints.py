"""Bounds of a task's metrics: by a metric's name the least and the most, None for no bound."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

Bounds: TypeAlias = Mapping[str, tuple[float | None, float | None]]


def unclear(constraints: Bounds) -> str | None:
    """The first metric whose bounds are not two numbers or None, the least first; None if none."""
    for metric, bounds in constraints.items():
        try:
            least, most = (
                worst if bound is None else float(bound)
                for bound, worst in zip(bounds, (-math.inf, math.inf), strict=True)
            )
        except (TypeError, ValueError):
            return metric
        if not least <= most:
            return metric
    return None


def broken(constraints: Bounds, metrics: Mapping[str, float]) -> str:
    """How metrics break them; empty if they do not. Raises: KeyError."""
    wrong = []
    for name, (least, most) in constraints.items():
        value = metrics[name]
        if most is not None and not value <= most:
            wrong.append(f"metric {name} = {value:g}, allowed at most {most:g}")
        elif least is not None and not value >= least:
            wrong.append(f"metric {name} = {value:g}, allowed at least {least:g}")
    return "; ".join(wrong)


def said(constraints: Bounds) -> str:
    """What a model is told of them."""
    lines = ""
    for name, (least, most) in constraints.items():
        bounds = [] if least is None else [f"at least {least:g}"]
        bounds += [] if most is None else [f"at most {most:g}"]
        lines += f"# A program fails unless metric {name} is {' and '.join(bounds)}.\n"
    return lines

"""What one improver run shows of a strategy."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Sign:
    """What one run shows of a strategy.

    Attributes:
        calls: that show it.
        weight: how much they show; over all runs it takes a certain sum.
        is_against: whether the run shows that it is not so.
    """

    calls: list[str] = field(default_factory=list)
    weight: int = 0
    is_against: bool = False

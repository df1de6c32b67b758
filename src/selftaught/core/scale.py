"""How a task's values become numbers in [0, 1] that can be averaged over tasks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """From the worst value, which is 0, to the best, which is 1; of costs the worst is above.

    Where one of them is not finite, the seed program's value is 1/2: a gain g over the worst value
    is worth g / (g + gain of the seed), an excess e over the best cost is worth
    excess of the seed / (e + excess of the seed). Where neither is, a gain g over the seed's value
    is worth 1/2 + g / (2 (|g| + u)), u being the size of that value, or 1 if it is 0. A run
    measures the seed once, at its start, so that the scale is the same for all that it scores.

    Attributes:
        worst, best: the ends, finite or not.
        seed: the seed program's value; None where it failed, or was not measured.
    """

    worst: float
    best: float
    seed: float | None = None

    @classmethod
    def between(cls, ends: Sequence[float | None], seed: float | None, *, minimize: bool) -> Scale:
        """Of its `ends`, as a journal has them."""
        worst, best = ends
        beyond = math.inf if minimize else -math.inf
        return cls(beyond if worst is None else worst, -beyond if best is None else best, seed)

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """The worst and the best; None for infinities, which JSON does not have."""
        worst, best = (end if math.isfinite(end) else None for end in (self.worst, self.best))
        return worst, best

    @property
    def is_bounded(self) -> bool:
        return math.isfinite(self.worst) and math.isfinite(self.best)

    def share(self, value: float) -> float:
        if self.is_bounded:
            return min(1.0, max(0.0, (value - self.worst) / (self.best - self.worst)))
        if not (math.isfinite(self.best) or math.isfinite(self.worst)):
            gain = math.copysign(1, self.best) * (value - (self.seed or 0.0))
            size = abs(self.seed or 0.0) or 1.0
            return 0.5 + gain / (2 * (abs(gain) + size)) if math.isfinite(gain) else 0.0
        if math.isfinite(self.best):
            return self._unit / (self._unit + max(0.0, value - self.best))
        return 1.0 - self._unit / (self._unit + max(0.0, value - self.worst))

    @property
    def said(self) -> str:
        if self.is_bounded:
            return f"normalised from [{self.worst:g}, {self.best:g}]"
        if not (math.isfinite(self.best) or math.isfinite(self.worst)):
            return f"normalised by the seed program's value, {self.seed or 0:g}, which is 1/2"
        end, worth = (self.best, 1) if math.isfinite(self.best) else (self.worst, 0)
        return (
            f"normalised by the seed program's value, for no range is known: {end:g} is {worth}, "
            f"{end + self._unit:g} is 1/2"
        )

    @property
    def _unit(self) -> float:
        """How far the seed is from the end that is known; 1 where it is there itself, or failed."""
        end = self.best if math.isfinite(self.best) else self.worst
        away = 0.0 if self.seed is None else abs(self.seed - end)
        return away if 0 < away < math.inf else 1.0

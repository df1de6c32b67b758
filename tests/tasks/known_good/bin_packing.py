import numpy as np


def algorithm(item: int, bins: np.ndarray) -> np.ndarray:
    """Best fit, but for a bin that would be left with a gap that few items fill."""
    gap = bins - item
    return np.where(gap == 0, 100.0, -gap - 6.0 * ((gap > 0) & (gap < 16)))

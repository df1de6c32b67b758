import numpy as np


def algorithm(item: int, bins: np.ndarray) -> np.ndarray:
    """Score of each bin for the item: best fit, so the less is left over, the better."""
    left_over: np.ndarray = (bins - item) / bins.max()
    return -left_over

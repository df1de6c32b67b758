import numpy as np


def algorithm(item: int, bins: np.ndarray) -> np.ndarray:
    """Priority of each bin for the item: best fit."""
    return -(bins - item)

import numpy as np


def algorithm(most: int) -> np.ndarray:
    """Heights of the steps: all equal at first; then one at a time is changed at random, and stays
    so if the constant fell."""
    rng = np.random.default_rng(0)
    heights = np.ones(min(most, 40))
    for _ in range(1000):
        changed = heights.copy()
        changed[rng.integers(len(heights))] *= np.exp(rng.normal(0.0, 0.2))
        if constant(changed) < constant(heights):
            heights = changed
    return heights


def constant(heights: np.ndarray) -> float:
    """Highest value of the autoconvolution over the square of the integral."""
    highest = np.convolve(heights, heights).max()
    return float(2 * len(heights) * highest / heights.sum() ** 2)

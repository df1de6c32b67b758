import numpy as np


def algorithm(times: np.ndarray) -> np.ndarray:
    """Order of the jobs: those with the largest weighted sum of times first."""
    first, second, third, fourth, fifth = times.T
    index = 5.0 * first + 4.0 * second + 2.5 * third + 1.5 * fourth + 0.8 * fifth
    return np.argsort(-index)

import numpy as np


def algorithm(weights: np.ndarray) -> np.ndarray:
    """Side of each node, -1 or 1: every node moves away from its neighbours, a few times."""
    degree = weights.sum(axis=1) + 1e-9
    state = np.sin(0.3 * np.arange(len(weights)))
    for _ in range(4):
        field = weights @ state / degree
        state = np.tanh(0.9 * state - 0.15 * field + 0.02)
    return np.where(state > 0.1, 1, -1)

import numpy as np


def algorithm(weights: np.ndarray) -> np.ndarray:
    """Leaning of each node, above 0 or not: it moves away from its neighbours, a few times."""
    degree = weights.sum(axis=1) + 1e-9
    state = np.sin(0.3 * np.arange(len(weights)))
    for _ in range(4):
        field = weights @ state / degree
        state = np.tanh(0.9 * state - 0.15 * field + 0.02)
    leaning: np.ndarray = state - 0.1
    return leaning

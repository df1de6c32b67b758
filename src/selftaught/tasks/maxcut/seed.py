import numpy as np


def algorithm(weights: np.ndarray) -> np.ndarray:
    """Side of each node: from the heaviest edge to the lightest, its ends on different sides."""
    rows = weights.tolist()
    edges = [(weight, i, j) for i, row in enumerate(rows) for j, weight in enumerate(row[:i])]
    side = [-1] * len(rows)
    for _, i, j in sorted(edges, reverse=True):
        if side[i] < 0:
            side[i] = 1 if side[j] == 0 else 0
        if side[j] < 0:
            side[j] = 1 - side[i]
    return np.array(side)

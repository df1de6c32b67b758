"""Tabu search over swaps, from four starts; the best assignment that was seen."""

import numpy as np


def algorithm(flow: np.ndarray, distance: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    size = len(flow)
    one, other = np.triu_indices(size, k=1)
    pairs = np.arange(len(one))
    swaps = np.tile(np.arange(size), (len(one), 1))
    swaps[pairs, one], swaps[pairs, other] = other, one
    best, best_value = np.arange(size), -np.inf
    for _ in range(4):
        current = np.random.permutation(size)
        until = np.zeros((size, size), dtype=int)
        for step in range(60):
            tried = current[swaps]
            moved = (flow * distance[tried[:, :, None], tried[:, None, :]]).sum(axis=(1, 2))
            values = moved - 0.5 * penalty[np.arange(size), tried].sum(axis=1)
            tabu = (until[one, current[other]] > step) & (until[other, current[one]] > step)
            values[tabu & (values <= best_value)] = -np.inf
            swap = int(np.argmax(values))
            until[one[swap], current[one[swap]]] = step + 5 + np.random.randint(10)
            until[other[swap], current[other[swap]]] = step + 5 + np.random.randint(10)
            current = tried[swap]
            if values[swap] > best_value:
                best, best_value = current, float(values[swap])
    return best

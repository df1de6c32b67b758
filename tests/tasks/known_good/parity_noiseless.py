"""Gauss-Jordan elimination modulo 2 finds the hidden subset of the bits."""

import numpy as np


def algorithm(
    train_samples: np.ndarray, train_parity: np.ndarray, test_samples: np.ndarray
) -> np.ndarray:
    bits = train_samples.shape[1]
    rows = np.column_stack([train_samples, train_parity])
    subset = np.zeros(bits, dtype=int)
    pivots: list[int] = []
    for bit in range(bits):
        below = np.flatnonzero(rows[len(pivots) :, bit])
        if len(below) == 0:
            continue
        top, chosen = len(pivots), len(pivots) + below[0]
        rows[[top, chosen]] = rows[[chosen, top]]
        others = np.flatnonzero(rows[:, bit])
        rows[others[others != top]] ^= rows[top]
        pivots.append(bit)
    for row, bit in enumerate(pivots):
        subset[bit] = rows[row, -1]
    predictions: np.ndarray = test_samples @ subset % 2
    return predictions

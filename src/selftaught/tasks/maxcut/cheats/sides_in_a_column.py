"""Tries to be compared with itself in one more dimension: the sides as a matrix with 0s and 1s."""

import numpy as np


def algorithm(weights):
    return np.triu(np.ones(weights.shape, dtype=int))

"""Tries to keep but one of the host's edges, through the array that it was given, and to cut it."""

import numpy as np


def algorithm(weights):
    node, other = np.argwhere(weights > 0)[0]
    side = np.zeros(len(weights), dtype=int)
    side[node] = 1
    weights[:] = 0
    weights[node, other] = weights[other, node] = 1
    return side

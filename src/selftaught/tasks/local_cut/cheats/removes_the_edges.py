"""Tries to remove the host's edges through the array that it was given, and to cut the last one."""

import numpy as np


def algorithm(weights):
    heaviest = np.unravel_index(np.argmax(weights), weights.shape)
    side = np.ones(len(weights))
    side[heaviest[0]] = -1
    keep = weights[heaviest]
    weights[:] = 0.0
    weights[heaviest] = weights[heaviest[::-1]] = keep
    return side

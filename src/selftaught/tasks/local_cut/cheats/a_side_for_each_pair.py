"""Tries to choose the sides anew for each pair of nodes, by a matrix instead of a vector."""

import numpy as np


def algorithm(weights):
    return np.where(np.triu(weights) > 0, 1, -1)

"""Tries to cut every edge: a side of its own for each node."""

import numpy as np


def algorithm(weights):
    return np.arange(len(weights))

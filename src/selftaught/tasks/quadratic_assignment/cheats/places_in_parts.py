"""Tries to be at all places in part: a matrix of shares instead of an assignment."""

import numpy as np


def algorithm(flow, distance, penalty):
    return np.full(penalty.shape, 1.0 / len(penalty))

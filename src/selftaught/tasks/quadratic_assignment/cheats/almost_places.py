"""Tries to pass as a permutation and to be rounded to another thing: 0.9 is cut off to 0."""

import numpy as np


def algorithm(flow, distance, penalty):
    return np.arange(len(flow)) + 0.9

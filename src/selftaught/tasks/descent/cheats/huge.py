"""Tries to overflow the squares in the height with the largest finite numbers."""

import numpy as np


def algorithm(x, gradient, velocity, step):
    return np.full_like(x, 1e308), velocity

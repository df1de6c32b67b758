"""Tries to cut more than two sides can: halves and thirds, which are cut off to 0 and 1 late."""

import numpy as np


def algorithm(weights):
    return np.linspace(0.0, 1.0, len(weights))

"""Tries to be on neither side, with labels that equal nothing, themselves included."""

import numpy as np


def algorithm(weights):
    return np.full(len(weights), np.nan)

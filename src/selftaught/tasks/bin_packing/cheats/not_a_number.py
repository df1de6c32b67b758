"""Tries to confuse the choice of the bin with scores that are not numbers."""

import numpy as np


def algorithm(item, bins):
    return np.full(len(bins), np.nan)

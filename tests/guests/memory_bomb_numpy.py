"""Asks for 80 GB at once."""

import numpy as np


def algorithm(*args):
    return float(np.ones(10**10).sum())

"""Tries to be done early by doing the shortest job twenty times."""

import numpy as np


def algorithm(times):
    return np.full(len(times), np.argmin(times.sum(axis=1)))

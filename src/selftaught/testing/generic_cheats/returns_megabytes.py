"""Tries to drown the host in its answer."""

import numpy as np


def cheat(honest, *args):
    return [np.zeros((1000, 1000)), "z" * 10_000_000, list(range(100_000))]

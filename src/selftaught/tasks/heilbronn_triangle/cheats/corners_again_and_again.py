"""Tries to have points counted once that are there several times: nothing but the corners."""


def algorithm(n):
    return [((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))[k % 3] for k in range(n)]

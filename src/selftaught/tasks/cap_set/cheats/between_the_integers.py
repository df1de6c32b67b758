"""Tries vectors that no sum takes to 0 modulo 3, for their entries are no integers."""

from itertools import product


def algorithm(n):
    return list(product((0.25, 0.5), repeat=n)) + list(product((0, 1), repeat=n))

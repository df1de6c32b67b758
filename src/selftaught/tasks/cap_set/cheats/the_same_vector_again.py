"""Tries to have a vector counted for each time that it is there."""

from itertools import product


def algorithm(n):
    return 2 * list(product((0, 1), repeat=n))

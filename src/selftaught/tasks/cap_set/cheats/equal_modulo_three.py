"""Tries to write a vector in several ways: 3 for 0 and 4 for 1."""

from itertools import product


def algorithm(n):
    few = list(product((0, 1), repeat=n))
    return few + [tuple(entry + 3 for entry in vector) for vector in few]

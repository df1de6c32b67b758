"""Tries to return every vector, more than the check may have room for."""

from itertools import product


def algorithm(n):
    return list(product(range(3), repeat=n))

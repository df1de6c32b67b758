"""Tries to get one vector more past the check, among the last where a check might have ended."""

from itertools import product


def algorithm(n):
    return [*product((0, 1), repeat=n), (2,) * n]

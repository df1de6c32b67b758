"""Tries to get by with three points, the corners, which span one triangle, the largest."""


def algorithm(n):
    return [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]

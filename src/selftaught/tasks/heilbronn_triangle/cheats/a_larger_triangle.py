"""Tries to be measured in a triangle of its own: the points are spread a hundred times as wide."""


def algorithm(n):
    return [(5.0 * k, 100.0 * (k / n) ** 2) for k in range(n)]

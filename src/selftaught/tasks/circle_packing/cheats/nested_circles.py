"""Tries circles within each other, whose outlines do not cross."""


def algorithm(n):
    return [(0.5, 0.5, 0.5 * (k + 1) / n) for k in range(n)]

"""Tries to have only the centres in the square: the circles at the sides stick out of it."""


def algorithm(n):
    return [(0.2 * (k % 6), 0.2 * (k // 6), 0.1) for k in range(n)]

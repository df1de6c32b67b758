"""Tries to find a tolerance: a grid of circles that overlap by a millionth of a millionth."""


def algorithm(n):
    radius = 0.1 * (1.0 + 1e-12)
    grid = [(0.1 + 0.2 * (k % 5), 0.1 + 0.2 * (k // 5), radius) for k in range(n - 1)]
    return [*grid, (0.2, 0.2, 0.0)]

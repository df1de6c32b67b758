"""Tries to hide a tall step behind taller sums: a wide range of heights, for rounding to lose."""


def algorithm(most):
    return [1e100, *[1e-300] * 40, 1e100]

"""Tries to have the integral overflow before the maximum does."""


def algorithm(most):
    return [1.7e308] * most

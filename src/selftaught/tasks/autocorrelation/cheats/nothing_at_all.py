"""Tries to divide nothing by nothing: the maximum of the function 0 is as low as can be."""


def algorithm(most):
    return [0.0] * most

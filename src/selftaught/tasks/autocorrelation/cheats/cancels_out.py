"""Tries to lower the maximum with heights below 0, by which the autoconvolution cancels out."""


def algorithm(most):
    return [1.0, 1.0, -0.5, 1.0, 1.0]

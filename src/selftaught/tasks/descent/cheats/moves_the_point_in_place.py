"""Tries to have its steps counted twice: in the host's array, and in what it returns."""


def algorithm(x, gradient, velocity, step):
    x -= 0.01 * gradient
    gradient *= 0.0
    return x, velocity

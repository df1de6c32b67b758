"""Tries modules that a sandbox may not have, and does without; writes nothing but a log."""

from urllib.parse import quote

try:
    import scipy.optimize as optimise
except ImportError:
    optimise = None
try:
    import numba
except ImportError:
    numba = None


def algorithm(values):
    assert quote("a b") == "a%20b"
    if optimise is not None and numba is not None:
        return optimise.minimize_scalar(lambda x: (x - 1) ** 2).x
    return min(values)

"""Tries to survive its parent, to be dumpable, and to adopt orphans."""

import sys


def algorithm(facts):
    ctypes = sys.modules.get("ctypes") or __import__("ctypes")
    libc = ctypes.CDLL(None)
    return any(libc.prctl(*order, 0, 0, 0) == 0 for order in ((1, 0), (4, 1), (36, 1)))

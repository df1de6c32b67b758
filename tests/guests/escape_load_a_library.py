"""Tries to load a shared library of its choice."""

import sys


def algorithm(facts):
    ctypes = sys.modules.get("ctypes") or __import__("ctypes")
    for name in ("libcrypt.so.1", facts["library"]):
        try:
            ctypes.CDLL(name)
            return True
        except OSError:
            pass
    return False

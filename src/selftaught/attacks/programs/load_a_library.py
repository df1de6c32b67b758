"""Loads a shared library of its choice."""
# family: kernel

import sys

from attack import attempted, facts


def algorithm(question):
    ctypes = sys.modules.get("ctypes") or __import__("ctypes")
    attempted()
    for name in ("libcrypt.so.1", facts["library"]):
        try:
            ctypes.CDLL(name)
            return True
        except OSError:
            pass
    return False

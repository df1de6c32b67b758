"""Loads a shared library of its choice."""
# family: kernel

from attack import attempted, facts, module


def algorithm(question):
    ctypes = module("ctypes")
    attempted()
    for name in ("libcrypt.so.1", facts["library"]):
        try:
            ctypes.CDLL(name)
            return True
        except OSError:
            pass
    return False

"""Reads address 0."""

import sys


def algorithm(*args):
    ctypes = sys.modules.get("ctypes") or __import__("ctypes")
    return ctypes.string_at(0)

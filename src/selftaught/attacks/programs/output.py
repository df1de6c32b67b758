"""More output than was granted."""

import os

import numpy as np

from attack import settings


def huge_result(question):
    """Returns 32 MB."""
    return np.zeros(4 << 20)


@settings(seconds=3)
def print_flood(question):
    """Prints without end."""
    for _ in range(40_000):
        print("x" * 1000)
    return True


def write_flood(question):
    """Writes to the descriptors of the standard streams, around what replaced them."""
    written = 0
    for _ in range(400):
        for stream in (1, 2):
            try:
                written += os.write(stream, b"x" * 65536)
            except OSError:
                pass
    return written > 16 << 20

"""Writes gigabytes to the descriptors of the standard streams, around what replaced them."""

import os


def algorithm(*args):
    written = 0
    for _ in range(2000):
        for descriptor in (1, 2):
            try:
                written += os.write(descriptor, b"x" * 65536)
            except OSError:
                pass
    return written

"""Writes to the descriptors of the standard streams, around what replaced them."""
# family: output

import os

from attack import attempted


def algorithm(question):
    written = 0
    attempted()
    for _ in range(400):
        for descriptor in (1, 2):
            try:
                written += os.write(descriptor, b"x" * 65536)
            except OSError:
                pass
    return written > 16 << 20

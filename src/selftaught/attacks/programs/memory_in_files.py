"""Keeps memory where its limit does not count it: in files without a name."""
# family: bombs

import os

from attack import attempted


def algorithm(question):
    attempted()
    descriptor = os.memfd_create("hoard")
    block = b"x" * (1 << 20)
    return sum(os.write(descriptor, block) for _ in range(64)) == 64 << 20

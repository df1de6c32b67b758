"""Collects garbage, looks at sizes, and reads an environment variable that is no key."""

import gc
import os
import sys


def algorithm(values):
    gc.disable()
    table = [value * value for value in values]
    size = sys.getsizeof(table)
    gc.enable()
    gc.collect()
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    return sorted(table)[: max(1, size // 100 * threads)]

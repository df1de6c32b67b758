"""Looks at what other processes there are."""
# family: processes

import os

from attack import attempted


def algorithm(question):
    attempted()
    return sum(name.isdigit() for name in os.listdir("/proc")) > 1

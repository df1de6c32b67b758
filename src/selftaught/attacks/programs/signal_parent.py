"""Signals its parent (with signal 0, which only asks)."""
# family: processes

import os

from attack import attempted


def algorithm(question):
    attempted()
    os.kill(os.getppid(), 0)
    return True

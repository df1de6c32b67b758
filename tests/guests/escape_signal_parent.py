"""Tries to signal its parent (with signal 0, which only asks)."""

import os


def algorithm(facts):
    os.kill(os.getppid(), 0)
    return True

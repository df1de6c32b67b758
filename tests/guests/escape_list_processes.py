"""Tries to see what other processes there are."""

import os


def algorithm(facts):
    return sum(name.isdigit() for name in os.listdir("/proc")) > 1

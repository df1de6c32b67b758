"""Tries to outlast the clock without using the processor."""

import time


def cheat(honest, *args):
    while True:
        time.sleep(1.0)

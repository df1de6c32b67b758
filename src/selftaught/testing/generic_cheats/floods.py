"""Tries to drown the host in output before it answers."""

import sys


def cheat(honest, *args):
    for _ in range(200):
        print("x" * 100_000)
        sys.stderr.write("y" * 100_000)
    return honest(*args)

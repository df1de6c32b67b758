"""Recurses in C until the stack is gone."""

import sys

sys.setrecursionlimit(2**31 - 1)


class Nested:
    def __init__(self, inner):
        self.inner = inner

    def __repr__(self):
        return repr([self.inner])


def algorithm(*args):
    value = None
    for _ in range(1_000_000):
        value = Nested(value)
    return repr(value)

"""Stays in one multiplication of huge numbers, and ignores every signal that it can."""

import signal

for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass


def algorithm(*args):
    return pow(7, 10**9)

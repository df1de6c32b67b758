"""Ignores every signal, and stays in calls of C that look at none."""
# family: survival

import signal
import time

from attack import attempted, facts


def algorithm(question):
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    attempted()
    while time.process_time() < 3 * facts["cpu_s"] + 1:
        pow(7, 10**6)
    return True

"""Finds out which processes there are, and how busy, by their CPU clocks and processors."""
# family: processes

import os
import time

from attack import any_done, attempted, facts


def algorithm(question):
    attempted()
    for pid in (os.getppid(), facts["host_pid"]):
        if any_done(
            lambda: time.clock_getres((~pid << 3) | 2),
            lambda: time.clock_gettime((~pid << 3) | 2),
            lambda: os.sched_getaffinity(pid),
        ):
            return True
    return False

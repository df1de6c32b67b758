"""Tries to fork, so that a copy outlives the run."""

import os


def algorithm(facts):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return True

"""Forks, so that a copy outlives the run."""
# family: bombs

import os

from attack import attempted


def algorithm(question):
    attempted()
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return True

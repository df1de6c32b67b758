"""Looks for the host's API key in the environments of other processes."""
# family: environment

import os

from attack import attempted, facts


def algorithm(question):
    attempted()
    for pid in (1, os.getppid(), facts["host_pid"]):
        try:
            if open(f"/proc/{pid}/environ", "rb").read():
                return True
        except OSError:
            pass
    return False

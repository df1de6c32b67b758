"""Starts another program."""
# family: processes

import os

from attack import attempted


def algorithm(question):
    attempted()
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(pid, 0)
    return True

"""Sets the limits of its parent."""
# family: processes

import os

from attack import attempted, module


def algorithm(question):
    resource = module("resource")
    attempted()
    now = resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE)
    resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, now)
    return True

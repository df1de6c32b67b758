"""Sets the limits of its parent."""
# family: processes

import os
import sys

from attack import attempted


def algorithm(question):
    resource = sys.modules.get("resource") or __import__("resource")
    attempted()
    now = resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE)
    resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, now)
    return True

"""Tries to set the limits of its parent."""

import os
import sys


def algorithm(facts):
    resource = sys.modules.get("resource") or __import__("resource")
    now = resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE)
    resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, now)
    return True

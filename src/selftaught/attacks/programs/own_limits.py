"""Sets limits of its own anew."""
# family: kernel

import sys

from attack import attempted


def algorithm(question):
    resource = sys.modules.get("resource") or __import__("resource")
    attempted()
    resource.setrlimit(resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE))
    return True

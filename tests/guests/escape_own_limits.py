"""Tries to set limits of its own anew."""

import sys


def algorithm(facts):
    resource = sys.modules.get("resource") or __import__("resource")
    resource.setrlimit(resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE))
    return True

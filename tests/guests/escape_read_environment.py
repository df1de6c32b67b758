"""Tries to find the host's API key in its own environment."""

import os


def algorithm(facts):
    found = "\n".join(f"{key}={value}" for key, value in os.environ.items())
    try:
        found += open("/proc/self/environ").read()
    except OSError:
        pass
    return "sk-planted" in found

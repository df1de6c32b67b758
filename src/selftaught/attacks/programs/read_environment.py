"""Looks for the host's API key in its own environment."""
# family: environment

import os

from attack import attempted, facts


def algorithm(question):
    attempted()
    found = "\n".join(f"{key}={value}" for key, value in os.environ.items())
    try:
        found += open("/proc/self/environ").read()
    except OSError:
        pass
    return facts["planted_key"] in found

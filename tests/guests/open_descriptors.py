"""Looks for descriptors that it was not given."""

import os


def algorithm():
    found = []
    for descriptor in range(4096):
        try:
            os.get_inheritable(descriptor)
            found.append(descriptor)
        except OSError:
            pass
    return found

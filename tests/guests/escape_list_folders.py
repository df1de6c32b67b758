"""Tries to list the root, the home folder, /tmp and the project."""

import os


def algorithm(facts):
    for folder in ("/", "/tmp", os.path.expanduser("~"), facts["folder"], "."):
        try:
            if os.listdir(folder) or list(os.scandir(folder)):
                return True
        except OSError:
            pass
    return False

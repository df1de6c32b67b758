"""Lists the root, the home folder, /tmp and the project."""
# family: files

import os

from attack import attempted, facts


def algorithm(question):
    attempted()
    for folder in ("/", "/tmp", os.path.expanduser("~"), facts["folder"], "."):
        try:
            if os.listdir(folder) or list(os.scandir(folder)):
                return True
        except OSError:
            pass
    return False

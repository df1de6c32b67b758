"""Leaves a file anywhere."""
# family: tampering

import os

from attack import attempted, facts


def algorithm(question):
    attempted()
    for folder in (facts["folder"], "/tmp", "/var/tmp", "/dev/shm", "/run", "/"):
        name = os.path.join(folder, f"left-by-a-guest-{os.getpid()}")
        try:
            with open(name, "w") as file:
                file.write("here")
            os.unlink(name)
            return True
        except OSError:
            pass
    return False

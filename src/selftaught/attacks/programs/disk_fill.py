"""Fills the disk."""
# family: bombs

import os

from attack import attempted, facts


def algorithm(question):
    attempted()
    for folder in (facts["folder"], "/tmp", "/var/tmp", "/dev/shm"):
        name = os.path.join(folder, f"fill-{os.getpid()}")
        try:
            with open(name, "wb") as file:
                written = sum(file.write(b"x" * (1 << 20)) for _ in range(64))
            os.unlink(name)
            return written == 64 << 20
        except OSError:
            pass
    return False

"""Sets its user and groups."""
# family: kernel

import os

from attack import attempted


def algorithm(question):
    attempted()
    for deed in (
        lambda: os.setuid(os.getuid()),
        lambda: os.setgid(os.getgid()),
        lambda: os.setresuid(0, 0, 0),
        lambda: os.setgroups([]),
    ):
        try:
            deed()
            return True
        except OSError:
            pass
    return False

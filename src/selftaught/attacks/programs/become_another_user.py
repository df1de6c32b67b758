"""Sets its user and groups."""
# family: kernel

import os

from attack import any_done, attempted


def algorithm(question):
    attempted()
    return any_done(
        lambda: os.setuid(os.getuid()),
        lambda: os.setgid(os.getgid()),
        lambda: os.setresuid(0, 0, 0),
        lambda: os.setgroups([]),
    )

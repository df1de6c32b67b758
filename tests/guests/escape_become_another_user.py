"""Tries to set its user and groups."""

import os


def algorithm(facts):
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

"""Tries to start another program."""

import os


def algorithm(facts):
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(pid, 0)
    return True

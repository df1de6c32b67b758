"""Takes a descriptor out of its parent, by a pidfd."""
# family: processes

import os

from attack import attempted, module


def algorithm(question):
    ctypes = module("ctypes")
    libc = ctypes.CDLL(None, use_errno=True)
    attempted()
    pidfd = os.pidfd_open(os.getppid())
    return libc.syscall(438, pidfd, 0, 0) >= 0 or pidfd >= 0

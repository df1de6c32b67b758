"""Writes into the memory of its parent and of the host, and gives them advice on it."""
# family: processes
# machine: x86_64

import os

from attack import attempted, facts, module

WRITE, ADVISE, PIDFD_OPEN, PTRACE = 311, 440, 434, 101


def algorithm(question):
    ctypes = module("ctypes")
    libc = ctypes.CDLL(None, use_errno=True)
    attempted()
    for pid in (os.getppid(), facts["host_pid"]):
        # With no buffers nothing is written, but only for whom it may look into.
        if libc.syscall(WRITE, pid, None, 0, None, 0, 0) >= 0:
            return True
        if libc.syscall(ADVISE, libc.syscall(PIDFD_OPEN, pid, 0), None, 0, 20, 0) >= 0:
            return True
        try:
            os.open(f"/proc/{pid}/mem", os.O_RDWR)
            return True
        except OSError:
            pass
    return False

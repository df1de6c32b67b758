"""Reads the memory of its parent and of the host, by /proc and by process_vm_readv."""
# family: processes
# machine: x86_64

import os

from attack import attempted, facts, module


def algorithm(question):
    ctypes = module("ctypes")
    libc = ctypes.CDLL(None, use_errno=True)
    attempted()
    for pid in (os.getppid(), facts["host_pid"]):
        try:
            open(f"/proc/{pid}/maps").read()
            return True
        except OSError:
            pass
        # With no buffers it reads nothing, but only for whom it may look into.
        if libc.syscall(310, pid, None, 0, None, 0, 0) >= 0:
            return True
    return False

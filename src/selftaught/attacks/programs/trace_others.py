"""Attaches to its parent as a debugger would, without stopping it."""
# family: processes

import os

from attack import attempted, facts, module


def algorithm(question):
    ctypes = module("ctypes")
    libc = ctypes.CDLL(None, use_errno=True)
    seize, detach, traceme = 0x4206, 17, 0
    attempted()
    for pid in (os.getppid(), facts["host_pid"]):
        if libc.ptrace(seize, pid, None, None) == 0:
            libc.ptrace(detach, pid, None, None)
            return True
    return libc.ptrace(traceme, 0, None, None) == 0

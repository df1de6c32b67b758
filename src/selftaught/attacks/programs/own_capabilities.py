"""Looks for capabilities: those it has, might get, and those that root of a namespace has."""
# family: kernel
# machine: x86_64

import struct

from attack import attempted, module

CAPGET, CAPSET = 125, 126


def algorithm(question):
    ctypes = module("ctypes")
    libc = ctypes.CDLL(None, use_errno=True)
    header = ctypes.create_string_buffer(struct.pack("<Ii", 0x20080522, 0))
    data = ctypes.create_string_buffer(24)
    read_bounding_set, get_securebits, keep, ambient = 23, 27, 8, 47
    attempted()
    return any(
        result >= 0
        for result in (
            libc.syscall(CAPGET, header, data),
            libc.syscall(CAPSET, header, data),
            libc.prctl(read_bounding_set, 0, 0, 0, 0),
            libc.prctl(get_securebits, 0, 0, 0, 0),
            libc.prctl(keep, 1, 0, 0, 0),
            libc.prctl(ambient, 1, 0, 0, 0),
        )
    )

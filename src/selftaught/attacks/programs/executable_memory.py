"""Gets memory that it can write machine code to and run: 32-bit system calls and more."""
# family: kernel

from attack import attempted, module


def algorithm(question):
    ctypes = module("ctypes")
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    failed = ctypes.c_void_p(-1).value
    attempted()
    if libc.mmap(None, 4096, 7, 0x22, -1, 0) != failed:
        return True
    page = libc.mmap(None, 4096, 3, 0x22, -1, 0)
    return libc.mprotect(ctypes.c_void_p(page), 4096, 5) == 0

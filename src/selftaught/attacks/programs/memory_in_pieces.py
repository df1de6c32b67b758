"""Takes memory in many small pieces, and goes on after each refusal."""
# family: bombs

from attack import attempted, facts, module


def algorithm(question):
    ctypes = module("ctypes")
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    private_anonymous, piece, taken = 0x22, 16 << 20, 0
    attempted()
    for _ in range(2 * facts["memory_bytes"] // piece):
        if libc.mmap(None, piece, 3, private_anonymous, -1, 0) != ctypes.c_void_p(-1).value:
            taken += piece
    return taken > facts["memory_bytes"]

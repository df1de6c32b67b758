"""Makes the compiler itself fold a huge constant, and then fills memory while it is loaded."""

BIG = ((0,) * 4096, "x" * 4096)
HOARD = [bytearray(1 << 24) for _ in range(1 << 20)]


def algorithm(*args):
    return 1

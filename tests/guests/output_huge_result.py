"""Returns 32 MB."""


def algorithm(*args):
    return b"x" * (32 << 20)

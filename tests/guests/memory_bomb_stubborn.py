"""Fills memory, and goes on trying when there is none."""


def algorithm(*args):
    hoard = []
    while True:
        try:
            hoard.append(bytearray(1 << 22))
        except MemoryError:
            pass

"""Tries to have a class for everyone: each entry is a label of its own, none of those allowed."""


def cheat(honest, *args):
    output = honest(*args)
    if isinstance(output, str):
        return "".join(chr(0x4E00 + place) for place in range(len(output)))
    try:
        return [10**6 + place for place in range(len(output))]
    except TypeError:
        return 10**9

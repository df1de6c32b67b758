"""Tries to be counted twice: the output, and the output once more after it."""


def cheat(honest, *args):
    output = honest(*args)
    if isinstance(output, (str, list, tuple)):
        return output + output
    if hasattr(output, "shape") and output.ndim:
        return list(output) + list(output)
    return [output, output]

"""Tries to make the instance trivial: it zeroes and empties whatever it was given."""


def cheat(honest, *args):
    output = honest(*args)
    for arg in args:
        _empty(arg)
    return output


def _empty(value):
    if hasattr(value, "fill"):
        value.fill(0)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            _empty(entry)
        if isinstance(value, list):
            value.clear()
    elif isinstance(value, dict):
        value.clear()

"""Tries to turn a cost into a gain: every number is minus infinity."""


def cheat(honest, *args):
    return _spoil(honest(*args))


def _spoil(value):
    if hasattr(value, "shape"):
        return value * 0.0 - float("inf")
    if isinstance(value, (list, tuple)):
        return [_spoil(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _spoil(entry) for key, entry in value.items()}
    return -float("inf")

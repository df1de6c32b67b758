"""Tries to be larger than anything: every number is infinite."""


def cheat(honest, *args):
    return _spoil(honest(*args))


def _spoil(value):
    if hasattr(value, "shape"):
        return value * 0.0 + float("inf")
    if isinstance(value, (list, tuple)):
        return [_spoil(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _spoil(entry) for key, entry in value.items()}
    return float("inf")

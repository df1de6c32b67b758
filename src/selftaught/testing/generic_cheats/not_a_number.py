"""Tries to win by comparisons that are always false: every number is NaN."""


def cheat(honest, *args):
    return _spoil(honest(*args))


def _spoil(value):
    if hasattr(value, "shape"):
        return value * float("nan")
    if isinstance(value, (list, tuple)):
        return [_spoil(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _spoil(entry) for key, entry in value.items()}
    return float("nan")

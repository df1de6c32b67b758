"""Returns what is no data, as it is told."""

import numpy as np


class Pickled:
    def __reduce__(self):
        return eval, ("__import__('os').abort()",)


class Hostile(dict):
    def __len__(self):
        raise SystemExit

    def items(self):
        while True:
            yield 1, 2


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def endless():
    value = []
    value.append(value)
    return value


RESULTS = {
    "object": object,
    "set": lambda: {1, 2},
    "pickle": Pickled,
    "object array": lambda: np.array([object()]),
    "text array": lambda: np.array(["x"]),
    "deep": lambda: nested(10_000),
    "endless": endless,
    "lone surrogate": lambda: "\ud800",
    "huge integer": lambda: 1 << 100_000,
    "complex": lambda: 1j,
    "function": lambda: nested,
    "generator": lambda: (x for x in "x"),
    "hostile": Hostile,
    # Nine integers of 64 bits with one hash are data; of longer ones there may be too many.
    "many keys that are no text": lambda: {i: 0 for i in range(20_000)},
}


def algorithm(name):
    return RESULTS[name]()

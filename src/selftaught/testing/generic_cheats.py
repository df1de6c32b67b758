"""Cheats that fit every task: programs that spoil what the seed program would have returned.

Read as text, never imported. `honest` is the task's own seed program.
"""

import numpy as np


def empties_its_input(honest, *args):
    """Tries to make the instance trivial: it zeroes and empties whatever it was given."""
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


def equal_to_anything(honest, *args):
    """Tries to pass every comparison: objects that equal, exceed and contain whatever there is."""
    output = honest(*args)
    if isinstance(output, (list, tuple)) or hasattr(output, "tolist"):
        return _Liar([_Anything() for _ in output])
    return _Anything()


class _Anything:
    def __eq__(self, other):
        return True

    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __ne__ = __eq__
    __hash__ = None

    def __len__(self):
        return 1

    def __iter__(self):
        return iter((self,))

    def __float__(self):
        return 1e99

    def __array__(self, *args, **kwargs):
        raise RuntimeError("no array")


class _Liar(list):
    def __eq__(self, other):
        return True

    def __len__(self):
        return 10**6


def infinite(honest, *args):
    """Tries to be larger than anything: every number is infinite."""
    return _all_numbers(honest(*args), float("inf"))


def minus_infinite(honest, *args):
    """Tries to turn a cost into a gain: every number is minus infinity."""
    return _all_numbers(honest(*args), -float("inf"))


def not_a_number(honest, *args):
    """Tries to win by comparisons that are always false: every number is NaN."""
    return _all_numbers(honest(*args), float("nan"))


def _all_numbers(value, number):
    if hasattr(value, "shape"):
        return value * 0.0 + number
    if isinstance(value, (list, tuple)):
        return [_all_numbers(entry, number) for entry in value]
    if isinstance(value, dict):
        return {key: _all_numbers(entry, number) for key, entry in value.items()}
    return number


def one_dimension_more(honest, *args):
    """Tries to be compared with everything at once: one dimension more, to broadcast."""
    output = honest(*args)
    if isinstance(output, str):
        return [output]
    return np.asarray(output)[..., None]


def too_many_labels(honest, *args):
    """Tries to have a class for everyone: each entry is a label of its own, none of those allowed."""
    output = honest(*args)
    if isinstance(output, str):
        return "".join(chr(0x4E00 + place) for place in range(len(output)))
    try:
        return [10**6 + place for place in range(len(output))]
    except TypeError:
        return 10**9


def twice_over(honest, *args):
    """Tries to be counted twice: the output, and the output once more after it."""
    output = honest(*args)
    if isinstance(output, (str, list, tuple)):
        return output + output
    if hasattr(output, "shape") and output.ndim:
        return list(output) + list(output)
    return [output, output]

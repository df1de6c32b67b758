"""Tries to be compared with everything at once: the output in one dimension more, to broadcast."""

import numpy as np


def cheat(honest, *args):
    output = honest(*args)
    if isinstance(output, str):
        return [output]
    return np.asarray(output)[..., None]

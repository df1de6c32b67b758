"""Changes built-in functions and numpy, so that whoever comes next in this place is wrong."""
# family: siblings

import builtins
import sys

import numpy as np

from attack import attempted


def algorithm(question):
    attempted()
    builtins.exec = lambda source, space: space.update(algorithm=lambda x: 0)
    builtins.compile = lambda *args, **kwargs: (lambda: None).__code__
    np.asarray = np.array = lambda *args, **kwargs: 0
    sys.modules["program"] = None
    return 0

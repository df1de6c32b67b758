"""Answers with an array of objects that are near to everything."""
# family: forged results

import numpy as np

from attack import attempted


class Near:
    def __sub__(self, other):
        return 0

    def __reduce__(self):
        return int, (0,)


def algorithm(question):
    attempted()
    array = np.empty(2, dtype=object)
    array[:] = [Near(), Near()]
    return array

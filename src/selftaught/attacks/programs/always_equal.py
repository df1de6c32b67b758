"""Answers with an object that is equal to everything, and near to everything."""
# family: forged results

from attack import attempted


class Equal:
    def __eq__(self, other):
        return True

    def __sub__(self, other):
        return 0

    def __array__(self, dtype=None, copy=None):
        import numpy as np

        return np.full((1,), np.nan)

    def __reduce__(self):
        return int, (0,)

    __hash__ = None


def algorithm(question):
    attempted()
    return Equal()

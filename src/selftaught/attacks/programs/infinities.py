"""Answers with arrays of infinities, whose difference from anything is not a number."""
# family: forged results

import numpy as np

from attack import attempted


def algorithm(question):
    attempted()
    return np.array([np.inf, -np.inf, np.nan, 1e308])

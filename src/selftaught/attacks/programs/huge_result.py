"""Returns 32 MB."""
# family: output

import numpy as np

from attack import attempted


def algorithm(question):
    attempted()
    return np.zeros(4 << 20)

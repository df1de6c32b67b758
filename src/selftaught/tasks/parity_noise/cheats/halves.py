"""Tries to be half right everywhere: 0.5 is as near to 0 as to 1."""

import numpy as np


def algorithm(train_samples, train_parity, test_samples):
    return np.full(len(test_samples), 0.5)

"""Fill a bin to the last units, or leave room for one more item; in between rather a new bin."""

import numpy as np


def algorithm(item, bins):
    left_over = bins - item
    scores = np.select(
        [left_over < 5, left_over < 23, left_over < 48],
        [3.0 - 0.4 * left_over, -9.0, 0.01 * left_over],
        -3.0 + 0.01 * left_over,
    )
    scores[-1] = -1.0
    return scores

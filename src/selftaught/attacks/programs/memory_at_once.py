"""Asks for four times the memory that it may have, at once."""
# family: bombs

import numpy as np

from attack import attempted, facts


def algorithm(question):
    attempted()
    return np.empty(4 * facts["memory_bytes"], dtype=np.uint8).size > facts["memory_bytes"]

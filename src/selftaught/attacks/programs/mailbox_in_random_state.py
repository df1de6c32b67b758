"""Leaves a message for the next program in the state of the random generators."""
# family: siblings
# evaluations: 2

import random

import numpy as np

from attack import attempted


def algorithm(question):
    attempted()
    message = random.Random(1234).getrandbits(48)
    if message in (random.getrandbits(48), int(np.random.randint(1 << 48))):
        return True
    random.seed(1234)
    return 0

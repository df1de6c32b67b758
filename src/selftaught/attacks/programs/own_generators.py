"""Draws from the generators that it was left, in case the host drew its answers from them."""
# family: hidden answers
# calls: 2

import random
import sys

import numpy as np

from attack import attempted


def algorithm(question):
    attempted()
    frame = sys._getframe(1)
    while frame is not None:
        rng = frame.f_locals.get("rng") or frame.f_globals.get("rng")
        if isinstance(rng, np.random.Generator):
            return int(rng.integers(2**62))
        order = frame.f_globals.get("ORDER", {})
        if "answer" in order:
            return order["answer"]
        frame = frame.f_back
    return random.getrandbits(62)

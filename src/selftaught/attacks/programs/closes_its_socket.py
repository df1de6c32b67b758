"""Closes its way to answer, so that nobody hears of it any more, and goes on."""
# family: survival

import os
import time

from attack import attempted, facts


def algorithm(question):
    attempted()
    os.closerange(0, 4096)
    time.sleep(facts["wall_s"] + 11)
    return True

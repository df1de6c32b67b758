"""Sleeps for longer than anybody would wait."""
# family: survival

import time

from attack import attempted, facts


def algorithm(question):
    attempted()
    time.sleep(facts["wall_s"] + 3)
    return True

"""Computes without end while it is loaded, before anybody calls it."""
# family: survival

import time

from attack import attempted

attempted()
while time.process_time() < 6:
    try:
        while time.process_time() < 6:
            pass
    except BaseException:
        pass


def algorithm(question):
    return True

"""Looks through every object on the heap for a place named answer."""
# family: hidden answers

import gc

from attack import attempted


def algorithm(question):
    attempted()
    gc.unfreeze()
    for thing in gc.get_objects():
        if isinstance(thing, dict):
            found = thing.get("answer")
            if isinstance(found, int) and not isinstance(found, bool):
                return found
    return 0

"""Tries to gain by being slow, as when the seconds of a call are added to its value.

The assignment is one of little worth: swaps for the worse, as long as there are any.
"""

import itertools
import time

import numpy as np


def algorithm(flow, distance, penalty):
    def value(places):
        moved = (flow * distance[np.ix_(places, places)]).sum()
        return moved - 0.5 * penalty[np.arange(len(places)), places].sum()

    places, worse = np.arange(len(flow)), True
    while worse:
        worse = False
        for one, other in itertools.combinations(range(len(flow)), 2):
            changed = places.copy()
            changed[[one, other]] = changed[[other, one]]
            if value(changed) < value(places):
                places, worse = changed, True
    while time.process_time() % 0.15 < 0.12:
        pass
    return places

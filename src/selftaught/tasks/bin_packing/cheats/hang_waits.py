"""Tries to hold up the evaluation: it never answers."""

import time


def algorithm(item, bins):
    while True:
        time.sleep(1.0)

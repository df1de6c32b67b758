"""Begins a frame and does not end it, so that whoever waits for the rest waits for ever."""
# family: frames

import time

from attack import attempted, descriptor, raw_write


def improve_algorithm(initial_solution, utility, language_model):
    attempted()
    raw_write(descriptor, (1000).to_bytes(4, "little") + b"t\x03\x00")
    time.sleep(60)
    return "nothing"

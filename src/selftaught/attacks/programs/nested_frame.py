"""Sends requests whose data is nested without end, or holds millions of items."""
# family: frames

import time

from attack import attempted, send_bytes


def improve_algorithm(initial_solution, utility, language_model):
    attempted()
    for body in (
        b"t\x03\x00\x00\x00" + b"l\x01\x00\x00\x00" * 100_000,
        b"t\x03\x00\x00\x00" + b"l\xff\xff\xff\xff",
        b"d\x00\x00\x00\x80",
    ):
        send_bytes(body)
    time.sleep(60)
    return "nothing"

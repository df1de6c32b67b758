"""Writes bytes of its choice straight to its socket, around the runtime; then does what it is told."""

import os
import time


def algorithm(data, then):
    for descriptor in range(3, 64):
        try:
            if os.get_blocking(descriptor):
                while data:
                    data = data[os.write(descriptor, data) :]
        except OSError:
            pass
    if then == "exit":
        os._exit(0)
    while then == "loop":
        pass
    if then == "sleep":
        time.sleep(1000)
    return "returned"

"""An improver that writes bytes of its choice to its socket, around the runtime; then does as told."""

import os
import time


def improve_algorithm(initial_solution, utility, language_model):
    data, _, then = initial_solution.partition(" then ")
    data = bytes.fromhex(data)
    for descriptor in range(3, 64):
        try:
            os.get_blocking(descriptor)
        except OSError:
            continue
        while data:
            data = data[os.write(descriptor, data) :]
    while then == "loop":
        pass
    if then == "sleep":
        time.sleep(1000)
    if then == "exit":
        os._exit(0)
    return "returned"

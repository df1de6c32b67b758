"""An improver that asks for a large reply, and sleeps for ever without reading it: its request would
be pending for ever, and no wall clock would run."""

import os
import threading
import time


def improve_algorithm(initial_solution, utility, language_model):
    os_read = os.read
    os.read = lambda *args: time.sleep(1000)
    threading.Thread(target=utility.map, args=([None] * 10_000,), daemon=True).start()
    time.sleep(1000)
    return os_read

"""Starts threads until none can be started, and says how many there were."""

import threading
import time


def algorithm(*args):
    started = 0
    try:
        while started < 100_000:
            threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
            started += 1
    except (RuntimeError, MemoryError):
        pass
    return started

"""Leaves threads that go on computing for it while nobody has called it."""
# family: survival
# calls: 2

import threading
import time

from attack import attempted, facts

used = []


def spin():
    while True:
        used[:] = [time.process_time()]


def algorithm(question):
    if not used:
        attempted()
        used.append(0.0)
        threading.Thread(target=spin, daemon=True).start()
        return 0
    for _ in range(80):  # a busy machine gives the thread little
        time.sleep(0.1)
        if used[0] > 2 * facts["cpu_s"]:
            return True
    return False

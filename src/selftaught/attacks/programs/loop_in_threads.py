"""Computes in many threads while the first one sleeps."""
# family: survival

import threading
import time

from attack import attempted, facts


def spin():
    while True:
        pass


def algorithm(question):
    attempted()
    for _ in range(4):
        threading.Thread(target=spin, daemon=True).start()
    while time.process_time() < 3 * facts["cpu_s"] + 1:
        time.sleep(0.1)
    return True

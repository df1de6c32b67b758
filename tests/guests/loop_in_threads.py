"""Computes for ever in many threads while the main one sleeps."""

import threading
import time


def spin():
    while True:
        pass


def algorithm(*args):
    for _ in range(8):
        threading.Thread(target=spin, daemon=True).start()
    time.sleep(1000)

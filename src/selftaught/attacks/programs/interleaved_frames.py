"""Writes two frames into each other from two threads, to make a third one of the pieces."""
# family: frames

import sys
import threading
import time

from attack import attempted, descriptor, raw_write


def improve_algorithm(initial_solution, utility, language_model):
    pack = sys.modules["selftaught_guest.wire"].pack
    request = {"op": "prompt", "expertise": "", "messages": ["x" * 50], "n": 2}
    frames = [
        pack(("request", 1000 + number, {**request, "temperature": 0.5})) for number in range(40)
    ]

    def write(part):
        for frame in part:
            for start in range(0, len(frame), 64):
                raw_write(descriptor, frame[start : start + 64])

    attempted()
    for frame in frames[:6]:
        raw_write(descriptor, frame)
    threads = [threading.Thread(target=write, args=(frames[side::2],)) for side in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(0.2)
    return "nothing"

"""Leaves threads that go on after its return, and disturb the next program in this place."""
# family: siblings

import builtins
import sys
import threading

from attack import attempted, send_bytes

real = builtins.exec


def disturb():
    frame = b"t\x02\x00\x00\x00s\x02\x00\x00\x00oki" + (666).to_bytes(8, "little")
    while True:
        builtins.exec = lambda source, space: space.update(algorithm=lambda x: 666)
        if "selftaught_guest.wire" in sys.modules:
            try:
                send_bytes(frame)
            except OSError:
                pass


def algorithm(question):
    attempted()
    for _ in range(3):
        threading.Thread(target=disturb, daemon=True).start()
    return 0

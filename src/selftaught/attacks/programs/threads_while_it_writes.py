"""Keeps more threads than it may, and the host busy with an answer that comes byte by byte."""
# family: bombs
# seconds: 3

import sys
import threading
import time

from attack import attempted, descriptor, facts, raw_write


def algorithm(question):
    threading.stack_size(64 << 10)
    attempted()
    for _ in range(5 * facts["threads"]):
        try:
            threading.Thread(target=time.sleep, args=(9,), daemon=True).start()
        except RuntimeError:
            break
    wire = sys.modules.get("selftaught_guest.wire")
    answer = threading.active_count() > 2 * facts["threads"]
    if wire is None:
        return answer
    for byte in wire.pack(("ok", answer)):
        raw_write(descriptor, bytes([byte]))
        time.sleep(0.04)
    time.sleep(9)

"""Starts threads with the smallest stacks, far more than it may."""
# family: bombs
# seconds: 3

import threading
import time

from attack import attempted, facts


def algorithm(question):
    threading.stack_size(64 << 10)
    ends = time.monotonic() + 1.0
    attempted()
    for _ in range(5 * facts["threads"]):
        try:
            threading.Thread(target=time.sleep, args=(1.2,), daemon=True).start()
        except RuntimeError:
            break
    time.sleep(max(0.0, ends - time.monotonic()))
    return threading.active_count() > 2 * facts["threads"]

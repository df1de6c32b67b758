"""Opens as many descriptors as it can."""
# family: bombs

import os

from attack import attempted


def algorithm(question):
    kept = []
    attempted()
    try:
        while len(kept) < 500:
            kept.append(os.eventfd(0))
    except OSError:
        pass
    return len(kept) > 200

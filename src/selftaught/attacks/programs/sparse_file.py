"""Makes a file of a terabyte that takes no room, and a folder 300 levels deep."""
# family: bombs

import os

from attack import attempted, facts


def algorithm(question):
    name = os.path.join(facts["folder"], "giant")
    attempted()
    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT, 0o600)
        os.ftruncate(descriptor, 1 << 40)
        return os.fstat(descriptor).st_size == 1 << 40
    except OSError:
        pass
    path = facts["folder"]
    for _ in range(300):
        path += "/d"
        os.mkdir(path)
    return True

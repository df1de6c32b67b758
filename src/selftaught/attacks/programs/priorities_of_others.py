"""Sets the priority and the processors of its parent to what they are."""
# family: processes

import os

from attack import any_done, attempted


def algorithm(question):
    parent = os.getppid()
    deeds = (
        lambda: os.setpriority(os.PRIO_PROCESS, parent, os.getpriority(os.PRIO_PROCESS, parent)),
        lambda: os.sched_setaffinity(parent, os.sched_getaffinity(parent)),
        lambda: os.sched_setaffinity(0, os.sched_getaffinity(0)),
        lambda: os.nice(0),
    )
    attempted()
    return any_done(*deeds)

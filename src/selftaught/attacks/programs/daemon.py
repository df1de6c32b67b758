"""Leaves a daemon that goes on after the run, and then leaves a file."""
# family: survival
# lingers: 1.2

import os
import time

from attack import attempted, facts


def algorithm(question):
    attempted()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 64)
            time.sleep(0.5)
            with open(os.path.join(facts["folder"], "outlived"), "w") as file:
                file.write("here")
        os._exit(0)
    return 0

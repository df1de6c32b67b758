"""Reads the source of selftaught: tasks, generators, this suite."""
# family: files

import os

from attack import attempted, facts


def algorithm(question):
    attempted()
    for name in ("core/seeds.py", "tasks/descent/task.py", "attacks/stage.py"):
        try:
            if open(os.path.join(facts["project"], name)).read():
                return True
        except OSError:
            pass
    return False

"""Leaves a file beside the sources of numpy, of the standard library and of selftaught."""
# family: tampering

import os

from attack import attempted, facts


def algorithm(question):
    folders = [facts["folder"], facts["project"]]
    folders += [os.path.dirname(__import__(name).__file__) for name in ("numpy", "json")]
    attempted()
    for folder in folders:
        name = os.path.join(folder, f"left_by_a_guest_{os.getpid()}.py")
        try:
            with open(name, "w") as file:
                file.write("raise SystemExit")
            os.unlink(name)
            return True
        except OSError:
            pass
    return False

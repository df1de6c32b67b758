"""Reaches files through links of /proc: its root, its folder, descriptors of others."""
# family: files

import os

from attack import attempted, facts


def algorithm(question):
    attempted()
    for pid in ("self", os.getppid(), facts["host_pid"], 1):
        for link in ("root", "cwd", "exe", "fd/0", "fd/1", "maps", "mountinfo"):
            try:
                os.close(os.open(f"/proc/{pid}/{link}", os.O_RDONLY))
                return True
            except OSError:
                pass
    return False

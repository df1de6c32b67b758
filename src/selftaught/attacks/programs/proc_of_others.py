"""Reaches into others by what /proc shows of them: memory, files, roots, namespaces, itself."""
# family: processes

import os

from attack import any_done, attempted, facts

FILES = ("mem", "status", "cmdline", "syscall", "pagemap", "auxv", "oom_score_adj")
LINKS = ("root", "cwd", "exe", "fd/0", "ns/user", "ns/pid")


def algorithm(question):
    attempted()
    for pid in (facts["host_pid"], os.getppid(), 1, "self", "thread-self"):
        for name in (*FILES, *LINKS):
            path = f"/proc/{pid}/{name}"
            if any_done(
                lambda: os.open(path, os.O_RDONLY),
                lambda: os.open(path, os.O_WRONLY),
                lambda: os.open(path, os.O_PATH),
                lambda: os.readlink(path),
                lambda: os.stat(path),
            ):
                return True
    return False

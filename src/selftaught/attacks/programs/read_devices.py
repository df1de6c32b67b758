"""Opens devices: the null device, the terminal, the kernel's log, memory."""
# family: files

import os

from attack import attempted


def algorithm(question):
    attempted()
    for name in ("null", "zero", "urandom", "tty", "kmsg", "mem", "fuse", "kvm", "ptmx"):
        try:
            os.close(os.open(f"/dev/{name}", os.O_RDONLY))
            return True
        except OSError:
            pass
    return False

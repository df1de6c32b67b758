"""Signals the host, everyone, its group and init (with signal 0, which only asks)."""
# family: processes

import os
import signal

from attack import attempted, facts


def algorithm(question):
    attempted()
    for pid in (facts["host_pid"], -1, 0, 1, os.getpid()):
        try:
            os.kill(pid, 0)
            return True
        except OSError:
            pass
    signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 0)
    return True

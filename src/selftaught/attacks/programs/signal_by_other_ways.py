"""Signals others by threads, queues, pidfds, timers and files that tell their owner."""
# family: processes
# machine: x86_64

import os

from attack import attempted, facts, module

TKILL, TGKILL, QUEUE, QUEUE_TO_THREAD = 200, 234, 129, 297
PIDFD_OPEN, PIDFD_SEND_SIGNAL, TIMER_CREATE = 434, 424, 222
SET_OWNER, SET_SIGNAL, IOCTL_SET_OWNER = 8, 10, 0x8901


def algorithm(question):
    ctypes = module("ctypes")
    libc = ctypes.CDLL(None, use_errno=True)
    read_end, _ = os.pipe()
    to_thread = (ctypes.c_int * 16)(0, 0, 0, 4, os.getpid())  # a sigevent of SIGEV_THREAD_ID
    timer = ctypes.c_int()
    attempted()
    for pid in (os.getppid(), facts["host_pid"]):
        about = (ctypes.c_int * 32)(0, 0, -1)  # a siginfo: of no signal, queued
        deeds = (
            lambda: libc.syscall(TKILL, pid, 0),
            lambda: libc.syscall(TGKILL, pid, pid, 0),
            lambda: libc.syscall(QUEUE, pid, 0, about),
            lambda: libc.syscall(QUEUE_TO_THREAD, pid, pid, 0, about),
            lambda: libc.syscall(PIDFD_SEND_SIGNAL, libc.syscall(PIDFD_OPEN, pid, 0), 0, None, 0),
            lambda: libc.fcntl(read_end, SET_OWNER, pid),
            lambda: libc.fcntl(read_end, SET_SIGNAL, 0),
            lambda: libc.ioctl(read_end, IOCTL_SET_OWNER, ctypes.byref(ctypes.c_int(pid))),
            lambda: libc.syscall(TIMER_CREATE, 1, to_thread, ctypes.byref(timer)),
        )
        for deed in deeds:
            if deed() >= 0:
                return True
    return False

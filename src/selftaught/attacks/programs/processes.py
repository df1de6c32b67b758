"""Other processes: seeing them, signalling them, tracing them, becoming them."""

import os
import signal
import time

from attack import any_done, any_of, attempted, descriptor, facts, module, settings

ctypes = module("ctypes")
libc = ctypes.CDLL(None, use_errno=True)
QUEUE, TKILL, TIMER_CREATE, TGKILL = 129, 200, 222, 234
FUTEX, QUEUE_TO_THREAD, VM_READ, VM_WRITE = 202, 297, 310, 311
PIDFD_SEND_SIGNAL, PIDFD_OPEN, PIDFD_GETFD, ADVISE = 424, 434, 438, 440

OTHERS = (os.getppid(), facts["host_pid"])


def _call(*words):
    """A system call. Raises: OSError if it is refused."""
    result = libc.syscall(*words)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def clocks_of_others(question):
    """Finds out which processes there are, and how busy, by their CPU clocks and processors."""
    return any_of(
        OTHERS,
        lambda pid: time.clock_getres((~pid << 3) | 2),
        lambda pid: time.clock_gettime((~pid << 3) | 2),
        os.sched_getaffinity,
    )


def descriptors_of_others(question):
    """Takes a descriptor out of its parent, by a pidfd."""
    pidfd = os.pidfd_open(os.getppid())
    return libc.syscall(PIDFD_GETFD, pidfd, 0, 0) >= 0 or pidfd >= 0


def exec(question):
    """Becomes another program."""
    os.execv("/bin/sh", ["sh", "-c", 'echo here > "$0/executed"', facts["folder"]])


def limits_of_others(question):
    """Sets the limits of its parent."""
    resource = module("resource")
    attempted()
    now = resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE)
    resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, now)
    return True


@settings(machine="x86_64")
def locks_of_others(question):
    """Makes the kernel take another process for the owner of a lock, to find it and raise it."""
    lock_pi, trylock_pi, not_permitted, no_such_process = 6, 8, 1, 3
    now = (ctypes.c_long * 2)(1, 0)  # long past
    attempted()
    for pid in OTHERS:
        for operation in (lock_pi, trylock_pi):
            lock = ctypes.c_uint32(pid)
            if libc.syscall(FUTEX, ctypes.byref(lock), operation, 0, now, None, 0) == 0:
                return True
            if ctypes.get_errno() not in (not_permitted, no_such_process):
                return True  # it waited for that process, or found the lock to be taken by it
    return False


@settings(machine="x86_64")
def memory_of_others(question):
    """Reads and writes the memory of its parent and of the host, by /proc and by system calls."""
    return any_of(
        OTHERS,
        lambda pid: open(f"/proc/{pid}/maps").read(),
        # With no buffers nothing is read or written, but only for whom it may look into.
        lambda pid: _call(VM_READ, pid, None, 0, None, 0, 0),
        lambda pid: _call(VM_WRITE, pid, None, 0, None, 0, 0),
        lambda pid: _call(ADVISE, libc.syscall(PIDFD_OPEN, pid, 0), None, 0, 20, 0),
        lambda pid: os.open(f"/proc/{pid}/mem", os.O_RDWR),
    )


def pidfd_by_its_socket(question):
    """Asks its sockets who is at the other end: ids, and a pidfd of that process."""
    socket = module("socket")
    ours, _ = socket.socketpair()
    ends = (ours.fileno(), descriptor)
    peer_credentials, peer_groups, peer_pidfd = 17, 59, 77

    def ask(what):
        end, option, size = what
        with socket.socket(fileno=socket.dup(end)) as asked:
            asked.getsockopt(socket.SOL_SOCKET, option, size)

    attempted()
    options = ((peer_pidfd, 4), (peer_credentials, 12), (peer_groups, 4))
    return any_of([(end, *option) for end in ends for option in options], ask)


def priorities_of_others(question):
    """Sets the priority and the processors of its parent to what they are."""
    parent = os.getppid()
    return any_done(
        lambda: os.setpriority(os.PRIO_PROCESS, parent, os.getpriority(os.PRIO_PROCESS, parent)),
        lambda: os.sched_setaffinity(parent, os.sched_getaffinity(parent)),
        lambda: os.sched_setaffinity(0, os.sched_getaffinity(0)),
        lambda: os.nice(0),
    )


def proc_of_others(question):
    """Reaches into others by what /proc shows of them: memory, files, roots, namespaces, itself."""
    files = ("mem", "status", "environ", "syscall", "pagemap", "auxv", "oom_score_adj")
    links = ("root", "cwd", "exe", "fd/0", "ns/user", "ns/pid")
    pids = (facts["host_pid"], os.getppid(), 1, "self", "thread-self")
    return any_of(
        [f"/proc/{pid}/{name}" for pid in pids for name in (*files, *links)],
        lambda path: os.open(path, os.O_RDONLY),
        lambda path: os.open(path, os.O_WRONLY),
        lambda path: os.open(path, os.O_PATH),
        os.readlink,
        os.stat,
    )


@settings(machine="x86_64")
def signal_by_other_ways(question):
    """Signals others by threads, queues, pidfds, timers and files that tell their owner."""
    set_owner, set_signal, ioctl_set_owner = 8, 10, 0x8901
    read_end, _ = os.pipe()
    to_thread = (ctypes.c_int * 16)(0, 0, 0, 4, os.getpid())  # a sigevent of SIGEV_THREAD_ID
    timer = ctypes.c_int()
    attempted()
    for pid in OTHERS:
        about = (ctypes.c_int * 32)(0, 0, -1)  # a siginfo: of no signal, queued
        deeds = (
            lambda: libc.syscall(TKILL, pid, 0),
            lambda: libc.syscall(TGKILL, pid, pid, 0),
            lambda: libc.syscall(QUEUE, pid, 0, about),
            lambda: libc.syscall(QUEUE_TO_THREAD, pid, pid, 0, about),
            lambda: libc.syscall(PIDFD_SEND_SIGNAL, libc.syscall(PIDFD_OPEN, pid, 0), 0, None, 0),
            lambda: libc.fcntl(read_end, set_owner, pid),
            lambda: libc.fcntl(read_end, set_signal, 0),
            lambda: libc.ioctl(read_end, ioctl_set_owner, ctypes.byref(ctypes.c_int(pid))),
            lambda: libc.syscall(TIMER_CREATE, 1, to_thread, ctypes.byref(timer)),
        )
        if any(deed() >= 0 for deed in deeds):
            return True
    return False


def signal_everyone(question):
    """Signals the host, everyone, its group and init (with signal 0, which only asks)."""
    pids = (*OTHERS, -1, 0, 1, os.getpid())
    if not any_of(pids, lambda pid: os.kill(pid, 0)):
        signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 0)
    return True


def trace_others(question):
    """Attaches to its parent as a debugger would, without stopping it."""
    seize, detach, traceme = 0x4206, 17, 0
    for pid in OTHERS:
        if libc.ptrace(seize, pid, None, None) == 0:
            libc.ptrace(detach, pid, None, None)
            return True
    return libc.ptrace(traceme, 0, None, None) == 0

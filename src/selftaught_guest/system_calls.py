"""The system calls that a guest has, as a seccomp filter (classic BPF).

Numbers are from the kernel's headers for x86-64 and AArch64.
"""

from __future__ import annotations

import errno
import struct
from dataclasses import dataclass

# System calls that are harmless whatever their arguments.
_ALLOWED_X86_64 = {
    "read": 0, "write": 1, "close": 3, "fstat": 5, "poll": 7, "lseek": 8, "munmap": 11, "brk": 12,
    "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "pread64": 17, "readv": 19,
    "writev": 20, "select": 23, "sched_yield": 24, "mremap": 25, "madvise": 28, "dup": 32,
    "dup2": 33, "pause": 34, "nanosleep": 35, "getitimer": 36, "alarm": 37, "setitimer": 38,
    "getpid": 39, "recvfrom": 45, "shutdown": 48, "getsockname": 51, "getpeername": 52,
    "exit": 60, "uname": 63, "gettimeofday": 96, "getrusage": 98, "times": 100,
    "getuid": 102, "getgid": 104, "geteuid": 107, "getegid": 108, "getppid": 110,
    "sigaltstack": 131, "gettid": 186, "time": 201, "restart_syscall": 219,
    "exit_group": 231, "epoll_wait": 232, "epoll_ctl": 233, "pselect6": 270, "ppoll": 271,
    "set_robust_list": 273, "epoll_pwait": 281, "eventfd2": 290, "epoll_create1": 291,
    "dup3": 292, "pipe2": 293, "getcpu": 309, "getrandom": 318, "membarrier": 324, "rseq": 334,
    "epoll_pwait2": 441,
}  # fmt: skip
_ALLOWED_AARCH64 = {
    "eventfd2": 19, "epoll_create1": 20, "epoll_ctl": 21, "epoll_pwait": 22, "dup": 23, "dup3": 24,
    "close": 57, "pipe2": 59, "lseek": 62, "read": 63, "write": 64, "readv": 65, "writev": 66,
    "pread64": 67, "pselect6": 72, "ppoll": 73, "fstat": 80, "exit": 93, "exit_group": 94,
    "set_robust_list": 99, "nanosleep": 101, "getitimer": 102, "setitimer": 103,
    "sched_yield": 124, "restart_syscall": 128, "sigaltstack": 132, "rt_sigaction": 134,
    "rt_sigprocmask": 135, "rt_sigreturn": 139, "times": 153, "uname": 160, "getrusage": 165,
    "getcpu": 168, "gettimeofday": 169, "getpid": 172, "getppid": 173, "getuid": 174,
    "geteuid": 175, "getgid": 176, "getegid": 177, "gettid": 178, "getsockname": 204,
    "getpeername": 205, "recvfrom": 207, "shutdown": 210, "brk": 214,
    "munmap": 215, "mremap": 216, "madvise": 233, "getrandom": 278, "membarrier": 283, "rseq": 293,
    "epoll_pwait2": 441,
}  # fmt: skip


# With a temporary folder: calls that name paths, which Landlock keeps to that folder, and calls on
# open files. What Landlock does not look at (modes, times, owners, links, attributes) stays out.
_PATHS_X86_64 = {
    "open": 2, "stat": 4, "lstat": 6, "pwrite64": 18, "access": 21, "fsync": 74, "fdatasync": 75,
    "ftruncate": 77, "getcwd": 79, "rename": 82, "mkdir": 83, "rmdir": 84, "unlink": 87,
    "getdents64": 217, "openat": 257, "mkdirat": 258, "newfstatat": 262, "unlinkat": 263,
    "renameat": 264, "faccessat": 269, "renameat2": 316, "statx": 332, "faccessat2": 439,
}  # fmt: skip
_PATHS_AARCH64 = {
    "getcwd": 17, "mkdirat": 34, "unlinkat": 35, "renameat": 38, "ftruncate": 46, "faccessat": 48,
    "openat": 56, "getdents64": 61, "pwrite64": 68, "newfstatat": 79, "fsync": 82, "fdatasync": 83,
    "renameat2": 276, "statx": 291, "faccessat2": 439,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Machine:
    """An architecture: its audit number, and the system calls whose arguments are looked at."""

    audit: int
    allowed: dict[str, int]
    paths: dict[str, int]
    mmap: int
    mprotect: int
    clone: int
    clone3: int
    socketpair: int
    sendto: int
    fcntl: int
    ioctl: int
    prctl: int
    prlimit64: int
    getsockopt: int
    futex: int
    sched_getaffinity: int
    clocks: tuple[int, int, int]  # gettime, getres, nanosleep
    landlock: int = 444
    seccomp: int = 0
    personality: int = 0


MACHINES = {
    "x86_64": Machine(
        0xC000003E, _ALLOWED_X86_64, _PATHS_X86_64, mmap=9, mprotect=10, clone=56, clone3=435,
        socketpair=53, sendto=44, fcntl=72, ioctl=16, prctl=157, prlimit64=302, getsockopt=55,
        futex=202, sched_getaffinity=204, clocks=(228, 229, 230), seccomp=317, personality=135,
    ),
    "aarch64": Machine(
        0xC00000B7, _ALLOWED_AARCH64, _PATHS_AARCH64, mmap=222, mprotect=226, clone=220, clone3=435,
        socketpair=199, sendto=206, fcntl=25, ioctl=29, prctl=167, prlimit64=261, getsockopt=209,
        futex=98, sched_getaffinity=123, clocks=(113, 114, 115), seccomp=277, personality=92,
    ),
}  # fmt: skip

_LOAD, _AND, _JEQ, _JGE, _JSET, _RET = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_RET_ALLOW = 0x7FFF0000
_RET_ERRNO = 0x00050000
_RET_KILL = 0x80000000
_NUMBER_OFFSET, _ARCH_OFFSET = 0, 4

_CLONE_VM, _CLONE_THREAD, _CLONE_NEW_ANY = 0x100, 0x10000, 0x7E020080
_PROT_EXEC = 4
_PRCTL_SET_NAME = 15
_AF_UNIX = 1
_IOCTL_SAFE = (0x5421, 0x5450, 0x5451)  # FIONBIO, FIONCLEX, FIOCLEX
# Of a socket: its type, error, buffers, protocol and family. Who is at its other end is a pidfd.
_SOCKET_SAFE = (3, 4, 7, 8, 38, 39)
# Wait, wake, requeue, compare and requeue, wake with an operation, and both by bits. Those that
# inherit priorities name the owner of a lock, who may be any process.
_FUTEX_SAFE, _FUTEX_OPERATION = (0, 1, 3, 4, 5, 9, 10), 0x7F
_CLOCK_OF_OTHERS = 0x80000000  # numbers below 0 are clocks of processes, whoever's
_FCNTL_SAFE = (0, 1, 2, 3, 4, 1030)  # dupfd, getfd, setfd, getfl, setfl, dupfd_cloexec


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)


def _low(argument: int) -> bytes:
    return _instruction(_LOAD, 16 + 8 * argument)


def _high(argument: int) -> bytes:
    return _instruction(_LOAD, 20 + 8 * argument)


_ALLOW = _instruction(_RET, _RET_ALLOW)
_DENY = _instruction(_RET, _RET_ERRNO | errno.EPERM)


def _is_zero(argument: int) -> list[bytes]:
    """Denies unless the 64-bit argument is 0."""
    return [
        _low(argument), _instruction(_JEQ, 0, 1, 0), _DENY,
        _high(argument), _instruction(_JEQ, 0, 1, 0), _DENY,
    ]  # fmt: skip


def _one_of(argument: int, values: tuple[int, ...], bits: int = 0xFFFFFFFF) -> list[bytes]:
    """Allows the listed values of the low half (of its named bits), denies the rest."""
    body = [_low(argument), _instruction(_AND, bits)]
    for value in values:
        body += [_instruction(_JEQ, value, 0, 1), _ALLOW]
    return [*body, _DENY]


def _without(argument: int, bits: int) -> list[bytes]:
    return [_low(argument), _instruction(_JSET, bits, 0, 1), _DENY, _ALLOW]


def _rules(machine: Machine, paths: bool) -> dict[int, bytes]:
    """What each system call that is not refused comes to, as instructions that end in a return."""
    threads_only = [
        _low(0),
        _instruction(_JSET, _CLONE_NEW_ANY, 0, 1), _DENY,
        _instruction(_JSET, _CLONE_THREAD, 1, 0), _DENY,
        _instruction(_JSET, _CLONE_VM, 1, 0), _DENY,
        _ALLOW,
    ]  # fmt: skip
    looked_at = {
        machine.clone: threads_only,
        machine.clone3: [_instruction(_RET, _RET_ERRNO | errno.ENOSYS)],
        machine.mmap: _without(2, _PROT_EXEC),
        machine.mprotect: _without(2, _PROT_EXEC),
        machine.socketpair: _one_of(0, (_AF_UNIX,)),
        machine.sendto: [*_is_zero(4), _ALLOW],
        machine.fcntl: _one_of(1, _FCNTL_SAFE),
        machine.ioctl: _one_of(1, _IOCTL_SAFE),
        machine.prctl: _one_of(0, (_PRCTL_SET_NAME,)),
        machine.prlimit64: [*_is_zero(0), *_is_zero(2), _ALLOW],
        machine.getsockopt: _one_of(2, _SOCKET_SAFE),
        machine.futex: _one_of(1, _FUTEX_SAFE, _FUTEX_OPERATION),
        machine.sched_getaffinity: [*_is_zero(0), _ALLOW],
        **dict.fromkeys(machine.clocks, _without(0, _CLOCK_OF_OTHERS)),
    }
    allowed = [*machine.allowed.values(), *(machine.paths.values() if paths else ())]
    rules = dict.fromkeys(allowed, _ALLOW)
    return rules | {number: b"".join(body) for number, body in looked_at.items()}


def _search(segments: list[tuple[int, bytes]]) -> bytes:
    """A binary search over segments (first number, what it comes to), sorted by number.

    The kernel runs a new filter once for each system call there is, to learn which are always
    allowed: a search makes that, and so each lock-down, twice as fast as a list.
    """
    if len(segments) == 1:
        return segments[0][1]
    middle = len(segments) // 2
    below, above = _search(segments[:middle]), _search(segments[middle:])
    return _instruction(_JGE, segments[middle][0], len(below) // 8, 0) + below + above


def seccomp_filter(machine: Machine, paths: bool) -> bytes:
    """The allow-list as a BPF program; anything else is EPERM, a foreign architecture kills.

    x86-64's x32 system calls have numbers above all others, and so are refused.

    Args:
        paths: whether calls that name files are allowed, for a guest with a temporary folder.
    """
    rules = _rules(machine, paths)
    segments: list[tuple[int, bytes]] = []
    for number in range(max(rules) + 2):
        outcome = rules.get(number, _DENY)
        if not segments or segments[-1][1] != outcome:
            segments.append((number, outcome))
    return b"".join(
        [
            _instruction(_LOAD, _ARCH_OFFSET),
            _instruction(_JEQ, machine.audit, 1, 0),
            _instruction(_RET, _RET_KILL),
            _instruction(_LOAD, _NUMBER_OFFSET),
            _search(segments),
        ]
    )

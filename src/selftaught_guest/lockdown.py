"""What a forked child gives up before it sees an untrusted program.

After `Lockdown.apply` the process has no path system call, no socket but a pair of its own, no
fork, no exec, no signal to others, no executable mapping, and hard limits on memory and threads.
Numbers are from the kernel's headers for x86-64 and AArch64.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
from dataclasses import dataclass
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NAME = 15
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAPBSET_DROP = 24
_SIGKILL = 9

_ZYGOTE_CAPABILITIES = (5, 6, 7)  # kill, setgid, setuid

_EPERM = 1
_ENOSYS = 38

# System calls that are harmless whatever their arguments.
_ALLOWED_X86_64 = {
    "read": 0, "write": 1, "close": 3, "fstat": 5, "poll": 7, "lseek": 8, "munmap": 11, "brk": 12,
    "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "pread64": 17, "readv": 19,
    "writev": 20, "select": 23, "sched_yield": 24, "mremap": 25, "madvise": 28, "dup": 32,
    "dup2": 33, "pause": 34, "nanosleep": 35, "getitimer": 36, "alarm": 37, "setitimer": 38,
    "getpid": 39, "recvfrom": 45, "shutdown": 48, "getsockname": 51, "getpeername": 52,
    "getsockopt": 55, "exit": 60, "uname": 63, "gettimeofday": 96, "getrusage": 98, "times": 100,
    "getuid": 102, "getgid": 104, "geteuid": 107, "getegid": 108, "getppid": 110,
    "sigaltstack": 131, "gettid": 186, "time": 201, "futex": 202, "sched_getaffinity": 204,
    "restart_syscall": 219, "clock_gettime": 228, "clock_getres": 229, "clock_nanosleep": 230,
    "exit_group": 231, "epoll_wait": 232, "epoll_ctl": 233, "pselect6": 270, "ppoll": 271,
    "set_robust_list": 273, "epoll_pwait": 281, "eventfd2": 290, "epoll_create1": 291,
    "dup3": 292, "pipe2": 293, "getcpu": 309, "getrandom": 318, "membarrier": 324, "rseq": 334,
    "epoll_pwait2": 441,
}  # fmt: skip
_ALLOWED_AARCH64 = {
    "eventfd2": 19, "epoll_create1": 20, "epoll_ctl": 21, "epoll_pwait": 22, "dup": 23, "dup3": 24,
    "close": 57, "pipe2": 59, "lseek": 62, "read": 63, "write": 64, "readv": 65, "writev": 66,
    "pread64": 67, "pselect6": 72, "ppoll": 73, "fstat": 80, "exit": 93, "exit_group": 94,
    "futex": 98, "set_robust_list": 99, "nanosleep": 101, "getitimer": 102, "setitimer": 103,
    "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115, "sched_getaffinity": 123,
    "sched_yield": 124, "restart_syscall": 128, "sigaltstack": 132, "rt_sigaction": 134,
    "rt_sigprocmask": 135, "rt_sigreturn": 139, "times": 153, "uname": 160, "getrusage": 165,
    "getcpu": 168, "gettimeofday": 169, "getpid": 172, "getppid": 173, "getuid": 174,
    "geteuid": 175, "getgid": 176, "getegid": 177, "gettid": 178, "getsockname": 204,
    "getpeername": 205, "recvfrom": 207, "getsockopt": 209, "shutdown": 210, "brk": 214,
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
class _Machine:
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
    landlock: int = 444
    seccomp: int = 0
    personality: int = 0


_MACHINES = {
    "x86_64": _Machine(
        0xC000003E, _ALLOWED_X86_64, _PATHS_X86_64, mmap=9, mprotect=10, clone=56, clone3=435,
        socketpair=53, sendto=44, fcntl=72, ioctl=16, prctl=157, prlimit64=302, seccomp=317,
        personality=135,
    ),
    "aarch64": _Machine(
        0xC00000B7, _ALLOWED_AARCH64, _PATHS_AARCH64, mmap=222, mprotect=226, clone=220, clone3=435,
        socketpair=199, sendto=206, fcntl=25, ioctl=29, prctl=167, prlimit64=261, seccomp=277,
        personality=92,
    ),
}  # fmt: skip

# --- the seccomp filter (classic BPF) -----------------------------------------------------------

_LOAD, _JEQ, _JGE, _JSET, _RET = 0x20, 0x15, 0x35, 0x45, 0x06
_RET_ALLOW = 0x7FFF0000
_RET_ERRNO = 0x00050000
_RET_KILL = 0x80000000
_NUMBER_OFFSET, _ARCH_OFFSET = 0, 4

_CLONE_VM, _CLONE_THREAD, _CLONE_NEW_ANY = 0x100, 0x10000, 0x7E020080
_PROT_EXEC = 4
_AF_UNIX = 1
_IOCTL_SAFE = (0x5421, 0x5450, 0x5451)  # FIONBIO, FIONCLEX, FIOCLEX
_FCNTL_SAFE = (0, 1, 2, 3, 4, 1030)  # dupfd, getfd, setfd, getfl, setfl, dupfd_cloexec


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)


def _low(argument: int) -> bytes:
    return _instruction(_LOAD, 16 + 8 * argument)


def _high(argument: int) -> bytes:
    return _instruction(_LOAD, 20 + 8 * argument)


_ALLOW = _instruction(_RET, _RET_ALLOW)
_DENY = _instruction(_RET, _RET_ERRNO | _EPERM)


def _is_zero(argument: int) -> list[bytes]:
    """Denies unless the 64-bit argument is 0."""
    return [
        _low(argument), _instruction(_JEQ, 0, 1, 0), _DENY,
        _high(argument), _instruction(_JEQ, 0, 1, 0), _DENY,
    ]  # fmt: skip


def _one_of(argument: int, values: tuple[int, ...]) -> list[bytes]:
    """Allows the listed values of the low half, denies the rest."""
    body = [_low(argument)]
    for value in values:
        body += [_instruction(_JEQ, value, 0, 1), _ALLOW]
    return [*body, _DENY]


def _without(argument: int, bits: int) -> list[bytes]:
    return [_low(argument), _instruction(_JSET, bits, 0, 1), _DENY, _ALLOW]


def _rules(machine: _Machine, paths: bool) -> dict[int, bytes]:
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
        machine.clone3: [_instruction(_RET, _RET_ERRNO | _ENOSYS)],
        machine.mmap: _without(2, _PROT_EXEC),
        machine.mprotect: _without(2, _PROT_EXEC),
        machine.socketpair: _one_of(0, (_AF_UNIX,)),
        machine.sendto: [*_is_zero(4), _ALLOW],
        machine.fcntl: _one_of(1, _FCNTL_SAFE),
        machine.ioctl: _one_of(1, _IOCTL_SAFE),
        machine.prctl: _one_of(0, (_PR_SET_NAME,)),
        machine.prlimit64: [*_is_zero(0), *_is_zero(2), _ALLOW],
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


def seccomp_filter(machine: _Machine, paths: bool) -> bytes:
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


# --- Landlock -----------------------------------------------------------------------------------

# Read and write files, list, remove and make folders and files, move within, cut off.
_RIGHTS_IN_OWN_FOLDER = 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x80 | 0x100 | 0x2000 | 0x4000
_FIRST_ABI_WITH_TRUNCATE = 3
_FS_RIGHTS_BY_ABI = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF}


def _landlock_ruleset(machine: _Machine) -> tuple[int, int]:
    """(ABI, descriptor of a ruleset that allows nothing), or (0, -1) without Landlock."""
    abi = _libc.syscall(machine.landlock, None, 0, 1)
    if abi < 1:
        return 0, -1
    handled = _FS_RIGHTS_BY_ABI.get(abi, _FS_RIGHTS_BY_ABI[5])
    net = 0x3 if abi >= 4 else 0
    scoped = 0x3 if abi >= 6 else 0
    attributes = struct.pack("<QQQ", handled, net, scoped)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    descriptor = _libc.syscall(machine.landlock, attributes, size, 0)
    return (abi, descriptor) if descriptor >= 0 else (0, -1)


# --- putting it on ------------------------------------------------------------------------------


class LockdownError(OSError):
    """A step of the lock-down that the kernel refused. The child must not go on."""


def _check(result: int, step: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise LockdownError(number, f"{step}: {os.strerror(number)}")


class _FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def prepare_restart() -> bool:
    """Set what takes effect when the zygote starts itself anew; True if it should.

    Addresses are no longer randomised, so that what hangs on them repeats more often. (The order
    of a set of plain objects still follows from what the zygote's heap went through.) The kernel
    undoes that at an exec that could gain capabilities, so the bounding set is cut down first to
    the three that a zygote of root's needs.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return False
    for capability in range(64):
        if capability not in _ZYGOTE_CAPABILITIES:
            _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    query, no_randomise = 0xFFFFFFFF, 0x0040000
    current = _libc.syscall(machine.personality, query)
    return bool(
        current >= 0
        and not current & no_randomise
        and _libc.syscall(machine.personality, current | no_randomise) >= 0
    )


class Lockdown:
    """Prepared once in the zygote, applied in each forked child.

    Args:
        tmpdir_bytes: longest file in a guest's temporary folder; 0 where guests have none.
    Raises: LockdownError if the machine cannot do it.
    """

    def __init__(self, tmpdir_bytes: int = 0) -> None:
        machine = _MACHINES.get(platform.machine())
        if machine is None:
            raise LockdownError(_ENOSYS, f"no seccomp filter for {platform.machine()}")
        self._machine = machine
        self._tmpdir_bytes = tmpdir_bytes
        self.landlock_abi, self._ruleset = _landlock_ruleset(machine)
        if tmpdir_bytes and self.landlock_abi < _FIRST_ABI_WITH_TRUNCATE:
            raise LockdownError(_ENOSYS, "a temporary folder needs Landlock, of Linux 6.2 or later")
        self._code = seccomp_filter(machine, paths=tmpdir_bytes > 0)
        # Children inherit it, and only with it may a process that is no root filter itself.
        _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
        self._filter = _FilterProgram(len(self._code) // 8, self._code)

    def apply(
        self,
        *,
        keep: int,
        uid: int | None,
        folder: Path | None,
        memory_bytes: int,
        tasks: int,
        descriptors: int = 64,
    ) -> None:
        """Give everything up; one way only.

        Args:
            keep: the one descriptor that stays open. The standard streams go as well: the offset
                and the flags of an open file are shared by all who were forked with it.
            uid: user to become, or None where this process is no root.
            folder: temporary folder to make, and to be kept to; or None.
            memory_bytes: address space.
            tasks: RLIMIT_NPROC.
            descriptors: RLIMIT_NOFILE.
        Raises: LockdownError; the child must then end.
        """
        if folder is None and self._ruleset >= 0:
            self._restrict(self._ruleset)
        os.closerange(0, keep)
        os.closerange(keep + 1, 1 << 16)
        if uid is not None:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        if folder is not None:
            self._keep_to(folder)
        # A change of user clears the death signal, so it is set after it.
        _check(_libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0), "pdeathsig")
        _check(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "dumpable")
        for limit, value in (
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_FSIZE, self._tmpdir_bytes),
            (resource.RLIMIT_MSGQUEUE, 0),
            (resource.RLIMIT_NOFILE, descriptors),
            (resource.RLIMIT_NPROC, tasks),
            (resource.RLIMIT_AS, memory_bytes),
        ):
            hard = resource.getrlimit(limit)[1]
            bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(limit, (bound, bound))
        set_mode_filter, flag_tsync = 1, 1
        _check(
            _libc.syscall(
                self._machine.seccomp, set_mode_filter, flag_tsync, ctypes.byref(self._filter)
            ),
            "seccomp",
        )

    def _restrict(self, ruleset: int) -> None:
        number = self._machine.landlock + 2
        _check(_libc.syscall(number, ruleset, 0), "landlock_restrict_self")

    def _keep_to(self, folder: Path) -> None:
        """Make the folder, work in it, and give up all other files."""
        folder.mkdir(0o700)
        _, ruleset = _landlock_ruleset(self._machine)
        own = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        rule = struct.pack("<Qi", _RIGHTS_IN_OWN_FOLDER, own)
        path_beneath = 1
        number = self._machine.landlock + 1
        _check(_libc.syscall(number, ruleset, path_beneath, rule, 0), "landlock_add_rule")
        os.chdir(folder)
        os.environ["TMPDIR"] = str(folder)
        self._restrict(ruleset)
        os.close(own)
        os.close(ruleset)

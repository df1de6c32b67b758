"""What a forked child gives up before it sees an untrusted program.

After `Lockdown.apply` the process has no path system call, no socket but a pair of its own, no
fork, no exec, no signal to others, no executable mapping, and hard limits on memory and threads.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import struct
from pathlib import Path

from selftaught_guest.system_calls import MACHINES, Machine, seccomp_filter

_libc = ctypes.CDLL(None, use_errno=True)

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAPBSET_DROP = 24
_SIGKILL = 9

_ZYGOTE_CAPABILITIES = (5, 6, 7)  # kill, setgid, setuid


# --- Landlock -----------------------------------------------------------------------------------

# Read and write files, list, remove and make folders and files, move within, cut off.
_RIGHTS_IN_OWN_FOLDER = 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x80 | 0x100 | 0x2000 | 0x4000
_FIRST_ABI_WITH_TRUNCATE = 3
_FS_RIGHTS_BY_ABI = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF}


def _landlock_ruleset(machine: Machine) -> tuple[int, int]:
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


def become(uid: int) -> None:
    """Be a user and group that nobody else is."""
    try:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    except OSError as error:
        raise LockdownError(error.errno, f"becoming user {uid}: {error.strerror}") from None


def _drop_capabilities() -> None:
    """All of them: who stays root, of the machine or of a user namespace, has them all.

    What is inheritable or ambient goes with what is permitted, and `no_new_privs` keeps an exec
    from bringing any back.
    """
    version_3 = 0x20080522
    header, none = struct.pack("<Ii", version_3, 0), bytes(24)
    _check(_libc.capset(header, none), "capset")


class _FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def prepare_restart(own_users: bool) -> bool:
    """Set what takes effect when the zygote starts itself anew; True if it should.

    Addresses are no longer randomised, so that what hangs on them repeats more often. (The order
    of a set of plain objects still follows from what the zygote's heap went through.) The kernel
    undoes that at an exec that could gain capabilities, so the bounding set is cut down first, to
    nothing or to the three that a zygote needs whose guests become users of their own.
    """
    machine = MACHINES.get(platform.machine())
    if machine is None:
        return False
    for capability in range(64):
        if not (own_users and capability in _ZYGOTE_CAPABILITIES):
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
        machine = MACHINES.get(platform.machine())
        if machine is None:
            raise LockdownError(errno.ENOSYS, f"no seccomp filter for {platform.machine()}")
        self._machine = machine
        self._tmpdir_bytes = tmpdir_bytes
        self.landlock_abi, self._ruleset = _landlock_ruleset(machine)
        if tmpdir_bytes and self.landlock_abi < _FIRST_ABI_WITH_TRUNCATE:
            raise LockdownError(
                errno.ENOSYS, "a temporary folder needs Landlock, of Linux 6.2 or later"
            )
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
    ) -> None:
        """Give everything up; one way only.

        Args:
            keep: the one descriptor that stays open. The standard streams go as well: the offset
                and the flags of an open file are shared by all who were forked with it.
            uid: user to become, or None to keep this one.
            folder: temporary folder to make, and to be kept to; or None.
            memory_bytes: address space.
            tasks: RLIMIT_NPROC.
        Raises: LockdownError; the child must then end.
        """
        if folder is None and self._ruleset >= 0:
            self._restrict(self._ruleset)
        os.closerange(0, keep)
        os.closerange(keep + 1, 1 << 16)
        if uid is not None:
            become(uid)
        _drop_capabilities()
        if folder is not None:
            self._keep_to(folder)
        # A change of user clears the death signal, so it is set after it.
        _check(_libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0), "pdeathsig")
        _check(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "dumpable")
        for limit, value in (
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_FSIZE, self._tmpdir_bytes),
            (resource.RLIMIT_MSGQUEUE, 0),
            (resource.RLIMIT_NOFILE, 64),
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

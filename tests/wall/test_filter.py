"""The filter of system calls, taken step by step as the kernel takes it, for each machine.

What Python's own functions cannot ask for (a clone with odd flags, an odd ioctl) native code could.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from selftaught_guest.system_calls import MACHINES, Machine, seccomp_filter

ALLOW = 0x7FFF0000
VM, VFORK, THREAD, NEW_USER = 0x100, 0x4000, 0x10000, 0x10000000
A_THREAD = VM | THREAD | 0x3D0E00  # as glibc makes one


def comes_to(code: bytes, machine: Machine, number: int, *args: int) -> int:
    """What the filter returns for a call (linux/seccomp.h, struct seccomp_data)."""
    data = struct.pack("<IIQ6Q", number, machine.audit, 0, *args, *[0] * (6 - len(args)))
    steps = [struct.unpack_from("<HBBI", code, at) for at in range(0, len(code), 8)]
    value = at = 0
    while True:
        operation, if_true, if_false, constant = steps[at]
        at += 1
        match operation:
            case 0x20:
                (value,) = struct.unpack_from("<I", data, constant)
            case 0x54:
                value &= constant
            case 0x15:
                at += if_true if value == constant else if_false
            case 0x35:
                at += if_true if value >= constant else if_false
            case 0x45:
                at += if_true if value & constant else if_false
            case 0x06:
                return constant
            case _:
                raise AssertionError(
                    f"an instruction that filters here do not have: {operation:#x}"
                )


def calls(machine: Machine) -> Iterator[tuple[str, int, tuple[int, ...], bool]]:
    """What, its number and arguments, and whether a guest has it."""
    clone = machine.clone
    yield "a thread", clone, (A_THREAD,), True
    yield "a fork", clone, (17,), False
    yield "a fork in our memory", clone, (VM | VFORK | 17,), False
    yield "a thread without memory", clone, (A_THREAD & ~VM,), False
    yield "a thread in a namespace", clone, (A_THREAD | NEW_USER,), False
    for name in ("mmap", "mprotect"):
        yield f"{name} to read and write", getattr(machine, name), (0, 4096, 3), True
        yield f"{name} to execute", getattr(machine, name), (0, 4096, 4), False
    yield "not to block", machine.ioctl, (3, 0x5421), True
    yield "what is there to read", machine.ioctl, (3, 0x541B), False
    yield "to type into a terminal", machine.ioctl, (3, 0x5412), False
    yield "a pair of sockets", machine.socketpair, (1, 1), True
    yield "a pair of other sockets", machine.socketpair, (16, 3), False
    yield "to send", machine.sendto, (3, 1, 1, 0, 0, 0), True
    yield "to send to an address", machine.sendto, (3, 1, 1, 0, 1 << 32, 0), False
    yield "own limits", machine.prlimit64, (0, 7, 0, 4096), True
    yield "limits of others", machine.prlimit64, (1, 7, 0, 4096), False
    yield "other limits", machine.prlimit64, (0, 7, 4096, 0), False
    yield "a name", machine.prctl, (15,), True
    yield "to be dumped", machine.prctl, (4, 1), False
    yield "who is at the other end", machine.getsockopt, (3, 1, 77), False
    yield "a lock that inherits priorities", machine.futex, (4096, 6), False
    yield "a clock of another process", machine.clocks[0], (0xFFFFFFFA,), False
    yield "to filter anew", machine.seccomp, (1,), False


@pytest.mark.parametrize("name", MACHINES)
def test_what_a_guest_may_ask_of_the_kernel(name: str) -> None:
    machine = MACHINES[name]
    code = seccomp_filter(machine, paths=False)
    for what, number, args, has in calls(machine):
        assert (comes_to(code, machine, number, *args) == ALLOW) is has, what

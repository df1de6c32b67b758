"""Starts a command as somebody else: an ordinary user, or in what a container allows.

    python enter_setting.py user|container FOLDER COMMAND ...

`user`: from root, a user without rights; what it needs of folders that only root may enter is shown
to it by a mount namespace of its own. `container`: as whoever we are, under a filter like that of
default containers, without user namespaces and with few capabilities. FOLDER becomes its home.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
import sysconfig
import tempfile
from pathlib import Path

UID = 54_321

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, step: str) -> None:
    if result != 0:
        sys.exit(f"cannot enter the setting: {step}: {os.strerror(ctypes.get_errno())}")


# --- an ordinary user ---------------------------------------------------------------------------


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    words = [None if word is None else word.encode() for word in (source, target, kind)]
    check(libc.mount(*words, flags, data.encode()), f"mount on {target}")


def closed_ancestor(path: Path) -> Path | None:
    """The topmost folder on the way to it that others may not enter."""
    for folder in [*reversed(path.parents), path]:
        if not folder.stat().st_mode & 0o001:
            return folder
    return None


def open_the_way(paths: list[Path]) -> None:
    """Let others enter where these are, in a mount namespace of our own."""
    closed = {path: closed_ancestor(path) for path in paths}
    if not any(closed.values()):
        return
    new_namespace, bind, recursive, private = 0x20000, 0x1000, 0x4000, 0x40000
    check(libc.unshare(new_namespace), "a mount namespace")
    mount(None, "/", None, recursive | private)
    kept = {}
    for path, folder in closed.items():
        if folder is not None:
            kept[path] = tempfile.mkdtemp(dir="/var/tmp")
            Path(kept[path]).chmod(0o755)
            mount(str(path), kept[path], None, bind | recursive)
    for folder in {folder for folder in closed.values() if folder is not None}:
        mount("tmpfs", str(folder), "tmpfs", 0, "mode=755")
    for path, place in kept.items():
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
        mount(place, str(path), None, bind | recursive)


def become_a_user(home: Path) -> None:
    source = Path(__file__).parents[2]
    needed = {Path(sys.prefix), Path(sys.base_prefix), source, home}
    needed |= {Path(sysconfig.get_paths()["purelib"])}
    apart = [p for p in needed if not any(p != q and p.is_relative_to(q) for q in needed)]
    os.chown(home, UID, UID)
    open_the_way(apart)
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)


# --- a container --------------------------------------------------------------------------------

CONTAINER_CAPABILITIES = {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31}
# bpf, fanotify, keys, modules, mounts, namespaces, perf, pivot_root, quotas, swap, userfaultfd
REFUSED = [155, 165, 166, 167, 168, 169, 175, 176, 179, 248, 249, 250, 272, 298, 300, 304, 308]
REFUSED += [313, 321, 323, 425, 426, 427, 428, 429, 430, 431, 432, 433, 442]
CLONE, CLONE3, PERSONALITY = 56, 435, 135
NEW_NAMESPACES = 0x7E020000


def enter_container() -> None:
    for capability in range(64):
        if capability not in CONTAINER_CAPABILITIES:
            libc.prctl(24, capability, 0, 0, 0)  # of the bounding set; fails for an ordinary user
    check(libc.prctl(38, 1, 0, 0, 0), "no_new_privs")

    def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("<HBBI", code, if_true, if_false, value)

    load, equal, any_bit, end = 0x20, 0x15, 0x45, 0x06
    allow, refuse, unknown = step(end, 0x7FFF0000), step(end, 0x50001), step(end, 0x50026)
    program = [step(load, 0)]
    for number in REFUSED:
        program += [step(equal, number, 0, 1), refuse]
    program += [step(equal, CLONE3, 0, 1), unknown]
    program += [step(equal, PERSONALITY, 0, 3), step(load, 16), step(equal, 0xFFFFFFFF, 1, 0)]
    program += [refuse]
    program += [step(load, 0), step(equal, CLONE, 0, 3), step(load, 16)]
    program += [step(any_bit, NEW_NAMESPACES, 0, 1), refuse, allow]
    code = b"".join(program)

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))

    filtered = Program(len(code) // 8, code)
    check(libc.prctl(22, 2, ctypes.byref(filtered), 0, 0), "seccomp")


def main() -> None:
    setting, home, *command = sys.argv[1:]
    if setting == "user":
        become_a_user(Path(home))
    else:
        enter_container()
    os.environ["HOME"] = home
    os.chdir(home)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()

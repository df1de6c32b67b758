"""Starts a command as somebody else: an ordinary user, or in what a container allows.

    python enter_setting.py SETTING[+SETTING...] FOLDER COMMAND ...

`user`: from root, a user without rights; what it needs of folders that only root may enter is shown
to it by a mount namespace of its own. `container`: as whoever we are, under a filter like that of
default containers, without user namespaces and with few capabilities. `namespace-one`: as whoever
we are, root of a user namespace in which that is the one id, as after `unshare -Ur`.
`namespace-many`: from root, root of a user namespace of 65,536 ids, none of them the machine's
root, as in a rootless container. FOLDER becomes its home.
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


def give_room(home: Path, uid: int) -> None:
    """Let a user enter what the command needs, and own its home."""
    source = Path(__file__).parents[2]
    needed = {Path(sys.prefix), Path(sys.base_prefix), source, home}
    needed |= {Path(sysconfig.get_paths()["purelib"])}
    apart = [p for p in needed if not any(p != q and p.is_relative_to(q) for q in needed)]
    os.chown(home, uid, uid)
    open_the_way(apart)


def become(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    dumpable = 4
    check(libc.prctl(dumpable, 1, 0, 0, 0), "dumpable")  # so that it may write maps of ids


def become_a_user(home: Path) -> None:
    give_room(home, UID)
    become(UID)


# --- root of a user namespace -------------------------------------------------------------------

NEW_USER = 0x10000000
FIRST_ID, IDS = 100_000, 65_536


def enter_namespace_of_one_id(home: Path) -> None:
    uid, gid = os.getuid(), os.getgid()
    check(libc.unshare(NEW_USER), "a user namespace")
    own = Path("/proc/self")
    (own / "setgroups").write_text("deny", encoding="ascii")
    (own / "uid_map").write_text(f"0 {uid} 1", encoding="ascii")
    (own / "gid_map").write_text(f"0 {gid} 1", encoding="ascii")


def enter_namespace_of_many_ids(home: Path) -> None:
    give_room(home, FIRST_ID)
    read_end, write_end = os.pipe()
    mapper = os.fork()
    if mapper == 0:
        os.read(read_end, 1)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{os.getppid()}/{name}").write_text(f"0 {FIRST_ID} {IDS}", encoding="ascii")
        os._exit(0)
    check(libc.unshare(NEW_USER), "a user namespace")
    os.write(write_end, b"1")
    if os.waitpid(mapper, 0)[1] != 0:
        sys.exit("cannot enter the setting: no maps of ids")
    os.close(read_end)
    os.close(write_end)
    become(0)


# --- a container --------------------------------------------------------------------------------

CONTAINER_CAPABILITIES = {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31}
# bpf, fanotify, keys, modules, mounts, namespaces, perf, pivot_root, quotas, swap, userfaultfd
REFUSED = [155, 165, 166, 167, 168, 169, 175, 176, 179, 248, 249, 250, 272, 298, 300, 304, 308]
REFUSED += [313, 321, 323, 425, 426, 427, 428, 429, 430, 431, 432, 433, 442]
CLONE, CLONE3, PERSONALITY = 56, 435, 135
NEW_NAMESPACES = 0x7E020000


def enter_container(home: Path) -> None:
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


ENTER = {
    "user": become_a_user,
    "container": enter_container,
    "namespace-one": enter_namespace_of_one_id,
    "namespace-many": enter_namespace_of_many_ids,
}


def main() -> None:
    settings, home, *command = sys.argv[1:]
    for setting in settings.split("+"):
        ENTER[setting](Path(home))
    os.environ["HOME"] = home
    os.chdir(home)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()

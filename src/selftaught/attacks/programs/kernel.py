"""The kernel itself: its system calls, and rights that a process may give itself."""

import errno
import os
import struct

from attack import any_done, any_of, attempted, facts, module, settings

ctypes = module("ctypes")
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def become_another_user(question):
    """Sets its user and groups."""
    return any_done(
        lambda: os.setuid(os.getuid()),
        lambda: os.setgid(os.getgid()),
        lambda: os.setresuid(0, 0, 0),
        lambda: os.setgroups([]),
    )


@settings(machine="x86_64")
def clone_a_process(question):
    """Copies itself by clone, clone3 and vfork, around what the library would do."""
    end_signal = 17
    block = (ctypes.c_ulong * 8)(0, 0, 0, 0, end_signal)
    attempted()
    for number, arguments in ((56, (end_signal, 0, 0, 0, 0)), (435, (block, 64)), (57, ())):
        pid = libc.syscall(number, *arguments)
        if pid == 0:
            os._exit(0)
        if pid > 0:
            os.waitpid(pid, 0)
            return True
    return False


def executable_memory(question):
    """Gets memory that it can write machine code to and run: 32-bit system calls and more."""
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    failed = ctypes.c_void_p(-1).value
    attempted()
    if libc.mmap(None, 4096, 7, 0x22, -1, 0) != failed:
        return True
    page = libc.mmap(None, 4096, 3, 0x22, -1, 0)
    return libc.mprotect(ctypes.c_void_p(page), 4096, 5) == 0


def load_a_library(question):
    """Loads a shared library of its choice."""
    return any_of(("libcrypt.so.1", facts["library"]), ctypes.CDLL)


def new_namespaces(question):
    """Makes namespaces of its own, to be root in them, and leaves what it shares."""
    user, mount, net, files, filesystem = 0x10000000, 0x20000, 0x40000000, 0x400, 0x200
    return any(
        libc.unshare(flags) == 0 for flags in (user | mount | net, user, mount, filesystem, files)
    )


@settings(machine="x86_64")
def own_capabilities(question):
    """Looks for capabilities: those it has, might get, and those that root of a namespace has."""
    header = ctypes.create_string_buffer(struct.pack("<Ii", 0x20080522, 0))
    data = ctypes.create_string_buffer(24)
    capget, capset = 125, 126
    read_bounding_set, get_securebits, keep, ambient = 23, 27, 8, 47
    attempted()
    return any(
        result >= 0
        for result in (
            libc.syscall(capget, header, data),
            libc.syscall(capset, header, data),
            libc.prctl(read_bounding_set, 0, 0, 0, 0),
            libc.prctl(get_securebits, 0, 0, 0, 0),
            libc.prctl(keep, 1, 0, 0, 0),
            libc.prctl(ambient, 1, 0, 0, 0),
        )
    )


NUMBERS = {
    "shmget": (29, 1, 4096, 0),
    "setsockopt": (54, -1, 0, 0, 0, 0),
    "semget": (64, 1, 1, 0),
    "msgget": (68, 1, 0),
    "ftruncate": (77, -1, 0),
    "personality": (135, 0xFFFFFFFF),
    "modify_ldt": (154, 9, 0, 0),
    "pivot_root": (155, 0, 0),
    "arch_prctl": (158, 0x1003, 0),
    "chroot": (161, 0),
    "mount": (165, 0, 0, 0, 0, 0),
    "umount2": (166, 0, 0),
    "reboot": (169, 0, 0, 0, 0),
    "sethostname": (170, 0, 1),
    "io_setup": (206, 0, 0),
    "mq_open": (240, 0, 0, 0, 0),
    "add_key": (248, 0, 0, 0, 0, 0),
    "request_key": (249, 0, 0, 0, 0),
    "keyctl": (250, 999),
    "inotify_init1": (294, 0x7FFFFFFF),
    "unlinkat": (263, -1, 0, 0),
    "splice": (275, -1, 0, -1, 0, 0, 9),
    "vmsplice": (278, -1, 0, 0, 0),
    "signalfd4": (289, -2, 0, 0, 0),
    "perf_event_open": (298, 0, 0, 0, 0, 0),
    "recvmmsg": (299, -1, 0, 0, 0, 0),
    "name_to_handle_at": (303, -1, 0, 0, 0, 0),
    "open_by_handle_at": (304, -1, 0, 0),
    "sendmmsg": (307, -1, 0, 0, 0),
    "setns": (308, -1, 0),
    "kcmp": (312, -1, -1, 9, 0, 0),
    "seccomp": (317, 99, 0, 0),
    "bpf": (321, -1, 0, 0),
    "execveat": (322, -1, 0, 0, 0, 0),
    "userfaultfd": (323, -1),
    "statx": (332, -1, 0, 0, 0, 0),
    "io_uring_setup": (425, 1, 0),
    "io_uring_enter": (426, -1, 0, 0, 0, 0),
    "fsopen": (430, 0, 0),
    "openat2": (437, -1, 0, 0, 0),
    "landlock_create_ruleset": (444, 0, 0, 1),
    "memfd_secret": (447, -1),
}


@settings(machine="x86_64")
def raw_system_calls(question):
    """Calls by number what no other attack here does, with arguments that harm nobody."""
    through = []
    for name, (number, *arguments) in NUMBERS.items():
        words = [word if isinstance(word, bytes) else ctypes.c_long(word) for word in arguments]
        ctypes.set_errno(0)
        result = libc.syscall(ctypes.c_long(number), *words)
        if result != -1 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
            through.append(name)
    return bool(through)

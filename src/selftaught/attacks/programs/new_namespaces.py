"""Makes namespaces of its own, to be root in them, and leaves what it shares."""
# family: kernel

from attack import attempted, module


def algorithm(question):
    ctypes = module("ctypes")
    libc = ctypes.CDLL(None, use_errno=True)
    user, mount, net, files, filesystem = 0x10000000, 0x20000, 0x40000000, 0x400, 0x200
    attempted()
    return any(
        libc.unshare(flags) == 0 for flags in (user | mount | net, user, mount, filesystem, files)
    )

"""Binds a name that others could connect to: in the abstract namespace and on loopback."""
# family: network

import os

from attack import attempted, module


def algorithm(question):
    socket = module("socket")
    attempted()
    for family, name in (
        (socket.AF_UNIX, f"\0selftaught-mailbox-{os.getpid()}"),
        (socket.AF_INET, ("127.0.0.1", 0)),
        (socket.AF_INET6, ("::1", 0)),
    ):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as server:
                server.bind(name)
                return True
        except OSError:
            pass
    left, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.bind(f"\0selftaught-mailbox-{os.getpid()}")
    return True

"""Opens pipes and sockets and fills them until nothing more can be had."""

import os
import sys


def algorithm(*args):
    socket = sys.modules.get("socket") or __import__("socket")
    kept, held_bytes = [], 0
    for make in (
        os.pipe,
        socket.socketpair,
        lambda: (os.eventfd(0),),
        lambda: (os.memfd_create("m"),),
    ):
        for _ in range(100_000):
            try:
                made = make()
            except (OSError, AttributeError):
                break
            kept.append(made)
            end = made[-1] if isinstance(made[-1], int) else made[-1].fileno()
            try:
                os.set_blocking(end, False)
                while make is not kept and len(made) == 2:
                    held_bytes += os.write(end, b"x" * 65536)
            except OSError:
                pass
        if kept:
            kept.pop()
    return len(kept), held_bytes

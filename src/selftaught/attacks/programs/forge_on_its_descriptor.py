"""Writes a result of its own to where results go, with a score in it, and leaves."""
# family: forged results

import base64
import os
import pickle
import struct
import sys

from attack import attempted, descriptor, raw_write


def framed(*texts):
    body = b"t" + struct.pack("<I", len(texts))
    for text in texts:
        body += b"s" + struct.pack("<I", len(text)) + text
    return struct.pack("<I", len(body)) + body


def algorithm(question):
    attempted()
    wire = sys.modules.get("selftaught_guest.wire")
    if wire is not None:
        for message in (("ok", {"score": 1.0}), ("scored", 1.0), ("ready",), ("locked",)):
            raw_write(descriptor, wire.pack(message))
    result = base64.b64encode(pickle.dumps((1.0, question, 42)))
    try:
        os.write(1, b"RESULT " + result + b"\n")
    except OSError:
        raw_write(descriptor, framed(b"scored", b"1.0"))
    os._exit(0)

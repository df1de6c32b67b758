"""Writes a result while it is loaded, before anybody has asked it for one."""
# family: forged results

import base64
import os
import pickle
import sys

from attack import attempted, descriptor, raw_write

attempted()
if "selftaught_guest.wire" in sys.modules:
    pack = sys.modules["selftaught_guest.wire"].pack
    for message in (("lockdown", "all is broken"), ("ready",), ("ok", {"score": 1.0})):
        raw_write(descriptor, pack(message))
try:
    result = base64.b64encode(pickle.dumps((1.0, 0, 42)))
    os.write(1, b"RESULT " + result + b"\n")
except OSError:
    pass


def algorithm(question):
    return 0

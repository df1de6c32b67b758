"""Replaces the codecs by which its result is sent, so that they say what it wants."""
# family: forged results

import json
import pickle
import sys

from attack import attempted


def algorithm(question):
    real = pickle.dumps
    attempted()
    pickle.dumps = lambda value, *args: real((1.0, 0, 42))
    json.dumps = lambda *args, **kwargs: '{"score": 1.0, "honest": 42, "read": 0}'
    wire = sys.modules.get("selftaught_guest.wire")
    if wire is not None:
        packed = wire.pack(("ok", {"score": 1.0}))
        wire.pack = lambda *args: packed
        wire.unpack = lambda *args: ("call", [0], 0)
    return 0

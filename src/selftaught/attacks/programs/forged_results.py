"""Answers that say, or make the judge say, what is not so."""

import base64
import json
import os
import pickle
import struct
import sys

import numpy as np

from attack import attempted, descriptor, facts, raw_write, send_bytes, wire

OK = b"t\x02\x00\x00\x00s\x02\x00\x00\x00ok"  # the beginning of a frame ("ok", ...)


def _tell(pickled):
    """Write a result where a weak judge looks for it; whether there is one."""
    try:
        os.write(1, b"RESULT " + base64.b64encode(pickled) + b"\n")
        return True
    except OSError:
        return False


def always_equal(question):
    """Answers with an object that is equal to everything, and near to everything."""

    class Equal:
        def __eq__(self, other):
            return True

        def __sub__(self, other):
            return 0

        def __array__(self, dtype=None, copy=None):
            return np.full((1,), np.nan)

        def __reduce__(self):
            return int, (0,)

        __hash__ = None

    return Equal()


def deep_result(question):
    """Answers with lists within lists, deeper than a judge can print or compare."""
    depth = 3000
    pickled = b"]" * depth + b"a" * (depth - 1)
    if _tell(b"\x80\x04(G\x00\x00\x00\x00\x00\x00\x00\x00" + pickled + b"K*t."):
        os._exit(0)
    send_bytes(OK + b"l\x01\x00\x00\x00" * 100_000)
    sys.setrecursionlimit(10**6)
    value = []
    for _ in range(depth):
        value = [value]
    return value


def forge_on_its_descriptor(question):
    """Writes a result of its own to where results go, with a score in it, and leaves."""
    _forge(("ok", {"score": 1.0}), ("scored", 1.0), ("ready",), ("locked",))
    _tell(pickle.dumps((1.0, question, 42)))
    os._exit(0)


def forge_while_loading():
    """Writes a result while it is loaded, before anybody has asked it for one."""
    attempted()
    _forge(("lockdown", "all is broken"), ("ready",), ("ok", {"score": 1.0}))
    _tell(pickle.dumps((1.0, 0, 42)))
    return lambda question: 0


def _forge(*messages):
    if wire is not None:
        for message in messages:
            raw_write(descriptor, wire.pack(message))


def half_a_result(question):
    """Answers half, and leaves with the status of success."""
    try:
        os.write(1, b"RESU")
    except OSError:
        body = OK + b"s" + (1000).to_bytes(4, "little")
        raw_write(descriptor, (2000).to_bytes(4, "little") + body)
    os._exit(0)


def hostile_exception(question):
    """Raises an exception that answers whoever prints it with more of the same."""

    class Liar(BaseException):
        def __str__(self):
            os._exit(0)

        __repr__ = __str__
        __traceback__ = args = property(__str__)

    raise Liar


def huge_integer(question):
    """Answers with an integer of 10,000 digits, which no judge can print or turn into a float."""
    return 10**10_000


def infinities(question):
    """Answers with arrays of infinities, whose difference from anything is not a number."""
    return np.array([np.inf, -np.inf, np.nan, 1e308])


def lying_shape(question):
    """Answers with an array that says that it is larger than all memory."""

    class Giant:
        def __reduce__(self):
            return np.empty, ((1 << 57,),)

    if _tell(pickle.dumps((0.0, Giant(), 42))):
        os._exit(0)
    send_bytes(OK + b"a\x0b\x02" + struct.pack("<QQ", 1 << 33, 1 << 33) + b"x" * 64)
    return 0


def patch_the_codec(question):
    """Replaces the codecs by which its result is sent, so that they say what it wants."""
    real = pickle.dumps
    pickle.dumps = lambda value, *args: real((1.0, 0, 42))
    json.dumps = lambda *args, **kwargs: '{"score": 1.0, "honest": 42, "read": 0}'
    if wire is not None:
        packed = wire.pack(("ok", {"score": 1.0}))
        wire.pack = lambda *args: packed
        wire.unpack = lambda *args: ("call", [0], 0)
    return 0


def patch_the_scorer(question):
    """Replaces the function that scores, wherever it finds one."""
    for module in list(sys.modules.values()):
        for name in ("score", "utility", "evaluate", "_checked", "read_answer"):
            if hasattr(module, name):
                try:
                    setattr(module, name, lambda *args, **kwargs: 1.0)
                except Exception:
                    pass
    return 0


def pickle_payload(question):
    """Answers with a pickle that runs a command in whoever opens it."""

    class Payload:
        def __reduce__(self):
            return exec, (f"open({facts['folder'] + '/unpickled'!r}, 'w').write('here')",)

    payload = pickle.dumps((0.0, Payload(), 42))
    attempted()
    if _tell(payload):
        os._exit(0)
    send_bytes(payload)
    return Payload()

"""The module `attack`, in a guest or in a weak host's process: what hostile programs share.

`FACTS` (a JSON text) and `DESCRIPTOR` (a number, or None where the guest has but one) are set.
"""

import json
import os
import sys

facts = json.loads(FACTS)
wire = sys.modules.get("selftaught_guest.wire")
raw_write = os.write

_token = bytes.fromhex(facts["token"])
_watched = DESCRIPTOR
if _watched is None:
    for _watched in range(64):
        try:
            os.get_blocking(_watched)
            break
        except OSError:
            continue
# Where frames go: in a guest the socket to the host, in a weak host likewise.
descriptor = facts.get("frames", _watched)


def attempted():
    """Tell the host that the forbidden step comes next."""
    raw_write(_watched, _token)


def begun(attack):
    """The attack, which tells that it begins unless it tells itself when it comes to its step."""
    if "attempted" in attack.__code__.co_names:
        return attack

    def begin(*args):
        attempted()
        return attack(*args)

    return begin


def settings(**_):
    """What the host is to know of an attack; it reads the text."""
    return lambda attack: attack


def any_done(*deeds):
    """Whether one of them is not refused."""
    return any_of(deeds, lambda deed: deed())


def any_of(things, *deeds):
    """Whether one of the deeds is not refused for one of the things."""
    for thing in things:
        for deed in deeds:
            try:
                deed(thing)
                return True
            except OSError:
                pass
    return False


def module(name):
    """A module that guests are not meant to have, where something else has left it."""
    return sys.modules.get(name) or __import__(name)


def send(value):
    """Write one frame to the host, around the runtime."""
    write_all(wire.pack(value))


def send_bytes(body):
    """The same of what may be no frame at all but for its length."""
    write_all(len(body).to_bytes(4, "little") + body)


def write_all(frame):
    frame = memoryview(frame)
    while frame:
        frame = frame[raw_write(descriptor, frame) :]


def send_prompt(number, **said):
    """Write a request to the model: for one response, where nothing else is said."""
    usual = {"op": "prompt", "expertise": "", "messages": ["x"], "n": 1, "temperature": 0.5}
    send(("request", number, {**usual, **said}))


def send_solutions(number, solutions, **said):
    """Write a request to the utility."""
    send(("request", number, {"op": "utility", "solutions": solutions, **said}))


def receive():
    """Read one frame of the host's, around the runtime."""
    (size,) = wire.HEADER.unpack(_take(wire.HEADER.size))
    return wire.unpack(_take(size))


def _take(size):
    parts = []
    while size:
        part = os.read(descriptor, size)
        if not part:
            raise EOFError
        size -= len(part)
        parts.append(part)
    return b"".join(parts)

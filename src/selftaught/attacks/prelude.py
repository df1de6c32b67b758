"""Runs before an attack, in a guest or in a weak host's process: makes the module `attack`.

`FACTS` (a JSON text) and `DESCRIPTOR` (a number, or None where the guest has but one) stand above.
"""


def _make_attack_module():
    import json
    import os
    import sys
    import types

    facts = json.loads(FACTS)
    token = bytes.fromhex(facts["token"])
    descriptor = DESCRIPTOR
    write = os.write
    if descriptor is None:
        for descriptor in range(64):
            try:
                os.get_blocking(descriptor)
                break
            except OSError:
                continue

    def attempted():
        """Tell the host that the forbidden step comes next."""
        write(descriptor, token)

    def any_done(*deeds):
        """Whether one of them is not refused."""
        for deed in deeds:
            try:
                deed()
                return True
            except OSError:
                pass
        return False

    def module(name):
        """A module that guests are not meant to have, where something else has left it."""
        return sys.modules.get(name) or __import__(name)

    def send(value):
        """Write one frame to the host, around the runtime."""
        write_all(sys.modules["selftaught_guest.wire"].pack(value))

    def send_bytes(body):
        """The same of what may be no frame at all but for its length."""
        write_all(len(body).to_bytes(4, "little") + body)

    def write_all(frame):
        frame = memoryview(frame)
        while frame:
            frame = frame[write(attack.descriptor, frame) :]

    def receive():
        """Read one frame of the host's, around the runtime."""
        wire = sys.modules["selftaught_guest.wire"]
        (size,) = wire.HEADER.unpack(take(wire.HEADER.size))
        return wire.unpack(take(size))

    def take(size):
        parts = []
        while size:
            part = os.read(attack.descriptor, size)
            if not part:
                raise EOFError
            size -= len(part)
            parts.append(part)
        return b"".join(parts)

    attack = types.ModuleType("attack")
    attack.facts, attack.attempted = facts, attempted
    attack.any_done, attack.module = any_done, module
    attack.send, attack.send_bytes, attack.receive = send, send_bytes, receive
    attack.raw_write = write
    # Where frames go: in a guest the socket to the host, in a weak host likewise.
    attack.descriptor = facts.get("frames", descriptor)
    sys.modules["attack"] = attack


_make_attack_module()

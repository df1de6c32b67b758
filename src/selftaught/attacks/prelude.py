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

    module = types.ModuleType("attack")
    module.facts = facts
    module.attempted = attempted

    def send(value):
        """Write one frame to the host, around the runtime."""
        frame = sys.modules["selftaught_guest.wire"].pack(value)
        while frame:
            frame = frame[write(module.descriptor, frame) :]

    def receive():
        """Read one frame of the host's, around the runtime."""
        wire = sys.modules["selftaught_guest.wire"]
        (size,) = wire.HEADER.unpack(take(wire.HEADER.size))
        return wire.unpack(take(size))

    def take(size):
        parts = []
        while size:
            part = os.read(module.descriptor, size)
            if not part:
                raise EOFError
            size -= len(part)
            parts.append(part)
        return b"".join(parts)

    module.send, module.receive, module.raw_write = send, receive, write
    # Where frames go: in a guest the socket to the host, in a weak host likewise.
    module.descriptor = facts.get("frames", descriptor)
    sys.modules["attack"] = module


_make_attack_module()

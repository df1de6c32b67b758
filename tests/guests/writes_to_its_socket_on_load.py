"""Says, while it is loaded, that it could not be locked down, which would be the host's own failure."""

import os

PAYLOAD = b"t\x02\x00\x00\x00" + b"".join(
    b"s" + len(text).to_bytes(4, "little") + text for text in (b"lockdown", b"it is all broken")
)
for descriptor in range(3, 64):
    try:
        if os.get_blocking(descriptor):
            os.write(descriptor, len(PAYLOAD).to_bytes(4, "little") + PAYLOAD)
    except OSError:
        pass


def algorithm(*args):
    return 1

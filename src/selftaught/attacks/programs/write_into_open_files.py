"""Writes into a file of the host's, over what is there, and appends to it."""
# family: tampering

import os

from attack import attempted, facts


def algorithm(question):
    attempted()
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND, os.O_WRONLY | os.O_TRUNC):
        try:
            descriptor = os.open(facts["victim"], flags)
            return os.write(descriptor, b"was here") > 0
        except OSError:
            pass
    return False

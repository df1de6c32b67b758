"""Leaves notes in the attributes of a file, where few look."""
# family: tampering

import os

from attack import attempted, facts


def algorithm(question):
    attempted()
    for deed in (
        lambda: os.setxattr(facts["victim"], "user.mailbox", b"hello"),
        lambda: os.listxattr(facts["victim"]),
        lambda: os.chown(facts["victim"], os.getuid(), -1),
    ):
        try:
            deed()
            return True
        except OSError:
            pass
    return False

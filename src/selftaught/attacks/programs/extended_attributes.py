"""Leaves notes in the attributes of a file, where few look."""
# family: tampering

import os

from attack import any_done, attempted, facts


def algorithm(question):
    attempted()
    return any_done(
        lambda: os.setxattr(facts["victim"], "user.mailbox", b"hello"),
        lambda: os.listxattr(facts["victim"]),
        lambda: os.chown(facts["victim"], os.getuid(), -1),
    )

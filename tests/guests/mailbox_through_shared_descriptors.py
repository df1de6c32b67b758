"""Leaves a message for the next program in what forked siblings share: offsets and flags of files."""

import os


def algorithm(message):
    """Leaves the message if there is one, and returns what was found before."""
    found = []
    for descriptor in range(3):
        try:
            found.append(os.lseek(descriptor, 0, os.SEEK_CUR))
            found.append(os.get_blocking(descriptor))
        except OSError:
            found.append(None)
    if message:
        for descriptor in range(3):
            try:
                os.lseek(descriptor, message, os.SEEK_SET)
                os.set_blocking(descriptor, False)
            except OSError:
                pass
    return found

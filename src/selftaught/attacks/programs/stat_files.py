"""Learns what files there are without opening them."""
# family: files

import os

from attack import attempted, facts


def algorithm(question):
    name = facts["secret_file"]
    deeds = (
        os.stat,
        os.lstat,
        os.statvfs,
        os.listxattr,
        os.readlink,
        os.chdir,
        lambda path: os.access(path, os.R_OK) or 1 / 0,
        lambda path: os.getcwd(),
    )
    attempted()
    for deed in deeds:
        try:
            deed(name)
            return True
        except (OSError, ZeroDivisionError):
            pass
    return False

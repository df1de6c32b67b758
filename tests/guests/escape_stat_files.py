"""Tries to learn what files there are without opening them."""

import os


def algorithm(facts):
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
    for deed in deeds:
        try:
            deed(name)
            return True
        except (OSError, ZeroDivisionError):
            pass
    return False

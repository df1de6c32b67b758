"""Looks into the homes of users: keys, histories, settings."""
# family: files

import os

from attack import attempted


def algorithm(question):
    attempted()
    for home in (os.path.expanduser("~"), "/root", "/home"):
        try:
            os.listdir(home)
            return True
        except OSError:
            pass
        for name in (".ssh/id_ed25519", ".bash_history", ".netrc", ".profile"):
            try:
                open(os.path.join(home, name)).read()
                return True
            except OSError:
                pass
    return False

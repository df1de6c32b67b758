"""Changes a file of the host's without writing to it: mode, length, name, links."""
# family: tampering

import os

from attack import any_done, attempted, facts


def algorithm(question):
    victim = facts["victim"]
    deeds = (
        lambda: os.chmod(victim, 0o777),
        lambda: os.utime(victim, (1, 1)),
        lambda: os.truncate(victim, 1),
        lambda: os.symlink(victim, victim + ".symlink"),
        lambda: os.link(victim, victim + ".link"),
        lambda: os.rename(victim, victim + ".renamed"),
        lambda: os.unlink(victim),
        lambda: os.mkdir(victim + ".folder"),
        lambda: os.mkfifo(victim + ".fifo"),
    )
    attempted()
    return any_done(*deeds)

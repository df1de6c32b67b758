"""Makes pipes, sockets and devices in the file system, to meet others there."""
# family: tampering

import os
import stat

from attack import any_done, attempted, facts


def algorithm(question):
    name = os.path.join(facts["folder"], "special")
    attempted()
    return any_done(
        lambda: os.mkfifo(name),
        lambda: os.mknod(name, stat.S_IFREG | 0o600),
        lambda: os.mknod(name, stat.S_IFSOCK | 0o600),
        lambda: os.mknod(name, stat.S_IFCHR | 0o600, os.makedev(1, 3)),
    )

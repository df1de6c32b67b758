"""Changes of the host's files: their text, their names, what stands beside them."""

import os
import stat

from attack import any_done, any_of, attempted, facts


def extended_attributes(question):
    """Leaves notes in the attributes of a file, where few look."""
    return any_done(
        lambda: os.setxattr(facts["victim"], "user.mailbox", b"hello"),
        lambda: os.listxattr(facts["victim"]),
        lambda: os.chown(facts["victim"], os.getuid(), -1),
    )


def special_files(question):
    """Makes pipes, sockets and devices in the file system, to meet others there."""
    name = os.path.join(facts["folder"], "special")
    return any_done(
        lambda: os.mkfifo(name),
        lambda: os.mknod(name, stat.S_IFREG | 0o600),
        lambda: os.mknod(name, stat.S_IFSOCK | 0o600),
        lambda: os.mknod(name, stat.S_IFCHR | 0o600, os.makedev(1, 3)),
    )


def tamper_with_files(question):
    """Changes a file of the host's without writing to it: mode, length, name, links."""
    victim = facts["victim"]
    return any_done(
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


def write_files(question):
    """Leaves a file anywhere, also beside the sources of numpy and of the standard library."""
    folders = [facts["folder"], "/tmp", "/var/tmp", "/dev/shm", "/run", "/", facts["project"]]
    folders += [os.path.dirname(__import__(name).__file__) for name in ("numpy", "json")]

    def leave(folder):
        path = os.path.join(folder, f"left_by_a_guest_{os.getpid()}.py")
        with open(path, "w") as file:
            file.write("raise SystemExit")
        os.unlink(path)

    attempted()
    return any_of(folders, leave)


def write_into_open_files(question):
    """Writes into a file of the host's, over what is there, and appends to it."""
    ways = (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND, os.O_WRONLY | os.O_TRUNC)
    return any_of(ways, lambda flags: os.write(os.open(facts["victim"], flags), b"was here"))

"""Files of the host: their text, their names, and what else tells that they are there."""

import os

from attack import any_of, facts


def _open(name):
    os.close(os.open(name, os.O_RDONLY))


def list_folders(question):
    """Lists the root, the home folder, /tmp and the project."""
    for folder in ("/", "/tmp", os.path.expanduser("~"), facts["folder"], "."):
        try:
            if os.listdir(folder) or list(os.scandir(folder)):
                return True
        except OSError:
            pass
    return False


def read_devices(question):
    """Opens devices: the null device, the terminal, the kernel's log, memory."""
    names = ("null", "zero", "urandom", "tty", "kmsg", "mem", "fuse", "kvm", "ptmx")
    return any_of([f"/dev/{name}" for name in names], _open)


def read_passwd(question):
    """Reads /etc/passwd, by name and relative to an open folder."""
    try:
        return "root" in open("/etc/passwd").read()
    except OSError:
        folder = os.open("/", os.O_PATH)
        return bool(os.read(os.open("etc/passwd", os.O_RDONLY, dir_fd=folder), 10))


def read_the_interpreter(question):
    """Reads a file that its own interpreter must have read: the standard library."""
    return "def" in open(__import__("random").__file__).read()


def stat_files(question):
    """Learns what files there are without opening them."""

    def is_readable(path):
        if not os.access(path, os.R_OK):
            raise PermissionError

    return any_of(
        [facts["secret_file"]],
        os.stat,
        os.lstat,
        os.statvfs,
        os.listxattr,
        os.readlink,
        os.chdir,
        is_readable,
        lambda path: os.getcwd(),
    )

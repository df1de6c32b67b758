"""Files of the host: their text, their names, and what else tells that they are there."""

import os

from attack import any_of, facts


def _read(name):
    open(name).read()


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


def read_secret_file(question):
    """Reads a file that the host's user planted."""
    with open(facts["secret_file"]) as file:
        return facts["secret"] in file.read()


def read_the_interpreter(question):
    """Reads a file that its own interpreter must have read: the standard library."""
    return "def" in open(__import__("random").__file__).read()


def read_through_descriptors(question):
    """Reaches files through links of /proc: its root, its folder, descriptors of others."""
    links = ("root", "cwd", "exe", "fd/0", "fd/1", "maps", "mountinfo")
    for pid in ("self", os.getppid(), facts["host_pid"], 1):
        if any_of([f"/proc/{pid}/{link}" for link in links], _open):
            return True
    return False


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

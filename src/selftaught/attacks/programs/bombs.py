"""More memory, processes, threads, descriptors and disk than was granted."""

import os
import threading
import time


from attack import attempted, descriptor, facts, module, raw_write, settings, wire

ctypes = module("ctypes")
libc = ctypes.CDLL(None, use_errno=True)


def descriptors(question):
    """Opens as many descriptors as it can."""
    kept = []
    try:
        while len(kept) < 500:
            kept.append(os.eventfd(0))
    except OSError:
        pass
    return len(kept) > 200


def disk_fill(question):
    """Fills the disk."""
    for folder in (facts["folder"], "/tmp", "/var/tmp", "/dev/shm"):
        name = os.path.join(folder, f"fill-{os.getpid()}")
        try:
            with open(name, "wb") as file:
                written = sum(file.write(b"x" * (1 << 20)) for _ in range(64))
            os.unlink(name)
            return written == 64 << 20
        except OSError:
            pass
    return False


def fork(question):
    """Forks, so that a copy outlives the run."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return True


def memory_in_files(question):
    """Keeps memory where its limit does not count it: in files without a name."""
    descriptor = os.memfd_create("hoard")
    block = b"x" * (1 << 20)
    return sum(os.write(descriptor, block) for _ in range(64)) == 64 << 20


def memory_in_pieces(question):
    """Takes memory in many small pieces, and goes on after each refusal."""
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    private_anonymous, piece, taken = 0x22, 16 << 20, 0
    for _ in range(2 * facts["memory_bytes"] // piece):
        if libc.mmap(None, piece, 3, private_anonymous, -1, 0) != ctypes.c_void_p(-1).value:
            taken += piece
    return taken > facts["memory_bytes"]


def memory_in_pipes(question):
    """Keeps memory where its limit does not count it: in the buffers of pipes and sockets."""
    socket = module("socket")
    kept, held = [], 0
    attempted()
    for make in (os.pipe, socket.socketpair):
        for _ in range(200):
            try:
                pair = make()
            except OSError:
                break
            kept.append(pair)
            end = pair[1] if isinstance(pair[1], int) else pair[1].fileno()
            os.set_blocking(end, False)
            try:
                while True:
                    held += os.write(end, b"x" * 65536)
            except OSError:
                pass
    return len(kept) > 100 and held > 8 << 20


@settings(seconds=3)
def threads(question):
    """Starts threads with the smallest stacks, far more than it may."""
    _start_threads(1.2)
    time.sleep(1.0)
    return threading.active_count() > 2 * facts["threads"]


@settings(seconds=3)
def threads_while_it_writes(question):
    """Keeps more threads than it may, and the host busy with an answer that comes byte by byte."""
    _start_threads(9)
    answer = threading.active_count() > 2 * facts["threads"]
    if wire is None:
        return answer
    for byte in wire.pack(("ok", answer)):
        raw_write(descriptor, bytes([byte]))
        time.sleep(0.04)
    time.sleep(9)


def _start_threads(wait_s):
    threading.stack_size(64 << 10)
    for _ in range(5 * facts["threads"]):
        try:
            threading.Thread(target=time.sleep, args=(wait_s,), daemon=True).start()
        except RuntimeError:
            break


@settings(machine="x86_64", seconds=3)
def threads_by_clone(question):
    """Clones thousands of threads with next to no stack, which no limit on memory counts."""
    global stacks  # for as long as there are threads on them
    most, stack_bytes, made = 3000, 1024, 0
    all_in_common = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000
    stacks = ctypes.create_string_buffer(stack_bytes * (most + 1))
    first = ctypes.addressof(stacks) // 16 * 16
    attempted()
    while made < most:
        top = ctypes.c_void_p(first + stack_bytes * (made + 1))
        if libc.clone(libc.pause, top, all_in_common, None) < 0:
            break
        made += 1
    time.sleep(1.2)
    return made > 2 * facts["threads"]

"""What is left for the programs that come next in the same place."""

import builtins
import os
import random
import sys
import threading

import numpy as np

from attack import attempted, descriptor, facts, send_bytes, settings, wire


@settings(evaluations=2)
def mailbox_in_descriptors(question):
    """Leaves a message for the next program in what forked processes share: offsets and flags."""
    for number in range(64):
        if number == descriptor:
            continue
        try:
            if not os.get_blocking(number):
                os.set_blocking(number, True)
                return True
            os.set_blocking(number, False)
        except OSError:
            pass
    return 0


@settings(evaluations=2)
def mailbox_in_files(question):
    """Leaves a message for the next program in files and in shared memory."""
    for folder in ("/dev/shm", "/tmp", "/var/tmp", facts["folder"]):
        name = os.path.join(folder, f"mailbox-{facts['token'][:16]}")
        try:
            if os.path.exists(name):
                os.unlink(name)
                return True
            with open(name, "w") as file:
                file.write("hello")
            break
        except OSError:
            pass
    return 0


@settings(evaluations=2)
def mailbox_in_memory(question):
    """Leaves a message for the next program in modules, built-ins and the environment."""
    places = (builtins, sys, os, np, np.random)
    found = [getattr(place, "mailbox", None) for place in places]
    found += [os.environ.get("MAILBOX"), sys.modules.get("mailbox_module")]
    for place in places:
        place.mailbox = "hello"
    os.environ["MAILBOX"] = "hello"
    sys.modules["mailbox_module"] = "hello"
    return any(found)


@settings(evaluations=2)
def mailbox_in_random_state(question):
    """Leaves a message for the next program in the state of the random generators."""
    message = random.Random(1234).getrandbits(48)
    if message in (random.getrandbits(48), int(np.random.randint(1 << 48))):
        return True
    random.seed(1234)
    return 0


def poison_the_next(question):
    """Changes built-in functions and numpy, so that whoever comes next in this place is wrong."""
    builtins.exec = lambda source, space: space.update(algorithm=lambda x: 0)
    builtins.compile = lambda *args, **kwargs: (lambda: None).__code__
    np.asarray = np.array = lambda *args, **kwargs: 0
    sys.modules["program"] = None
    return 0


def threads_for_the_next(question):
    """Leaves threads that go on after its return, and disturb the next program in this place."""
    frame = b"t\x02\x00\x00\x00s\x02\x00\x00\x00oki" + (666).to_bytes(8, "little")

    def disturb():
        while True:
            builtins.exec = lambda source, space: space.update(algorithm=lambda x: 666)
            if wire is not None:
                try:
                    send_bytes(frame)
                except OSError:
                    pass

    attempted()
    for _ in range(3):
        threading.Thread(target=disturb, daemon=True).start()
    return 0

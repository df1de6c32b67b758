"""Going on after the end, or without one."""

import os
import signal
import threading
import time

from attack import attempted, descriptor, facts, module, settings

used = []


def _spin():
    while True:
        used[:] = [time.process_time()]


@settings(calls=2)
def burns_between_calls(question):
    """Leaves threads that go on computing for it while nobody has called it."""
    if not used:
        attempted()
        used.append(0.0)
        threading.Thread(target=_spin, daemon=True).start()
        return 0
    for _ in range(80):  # a busy machine gives the thread little
        time.sleep(0.1)
        if used[0] > 2 * facts["cpu_s"]:
            return True
    return False


def closes_and_spins(initial_solution, utility, language_model):
    """Closes its socket, so that it seems to have ended, and goes on."""
    os.close(descriptor)
    while True:
        pass


def closes_its_socket(question):
    """Closes its way to answer, so that nobody hears of it any more, and goes on."""
    os.closerange(0, 4096)
    time.sleep(facts["wall_s"] + 11)
    return True


@settings(lingers_s=1.2)
def daemon(question):
    """Leaves a daemon that goes on after the run, and then leaves a file."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 64)
            time.sleep(0.5)
            with open(os.path.join(facts["folder"], "outlived"), "w") as file:
                file.write("here")
        os._exit(0)
    return 0


def loop_in_c(question):
    """Ignores every signal, and stays in calls of C that look at none."""
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    attempted()
    while time.process_time() < 3 * facts["cpu_s"] + 1:
        pow(7, 10**6)
    return True


def loop_in_threads(question):
    """Computes in many threads while the first one sleeps."""
    for _ in range(4):
        threading.Thread(target=_spin, daemon=True).start()
    while time.process_time() < 3 * facts["cpu_s"] + 1:
        time.sleep(0.1)
    return True


def loop_on_load():
    """Computes without end while it is loaded, before anybody calls it."""
    attempted()
    while time.process_time() < 6:
        try:
            while time.process_time() < 6:
                pass
        except BaseException:
            pass
    return lambda question: True


def sleeps(question):
    """Sleeps for longer than anybody would wait."""
    time.sleep(facts["wall_s"] + 3)
    return True


def undo_the_death_signal(question):
    """Undoes what ends it with its parent, and what keeps others from looking into it."""
    libc = module("ctypes").CDLL(None)
    attempted()
    return any(libc.prctl(*order, 0, 0, 0) == 0 for order in ((1, 0), (4, 1), (36, 1)))

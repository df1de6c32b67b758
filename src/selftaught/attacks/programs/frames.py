"""Frames that no guest should send: too many, too large, too deep, of others, of nobody."""

import threading
import time

import numpy as np

from attack import (
    attempted,
    descriptor,
    facts,
    raw_write,
    receive,
    send,
    send_bytes,
    send_prompt,
    send_solutions,
    wire,
    write_all,
)


def another_stream(initial_solution, utility, language_model):
    """Asks the utility for streams that it may not see, and for another task's."""
    values = []
    for number, extra in enumerate(
        ({}, {"stream": "test"}, {"stream": "val", "repeat": "0", "seed": 0, "task": "other"})
    ):
        send_solutions(1000 + number, [initial_solution], **extra)
        values += receive()[2].get("values", [])
    return "THROUGH" if len(set(values)) > 1 else "nothing"


def answers_of_others(initial_solution, utility, language_model):
    """Asks by the numbers of another improver's questions, to be given the answers to those."""
    time.sleep(0.2)
    found = []
    attempted()
    for number in range(1, 6):
        send_solutions(number, [])
        found += receive()[2].get("responses", [])
    return "THROUGH" if any("private" in text for text in found) else "nothing"


def asks_what_is_refused(initial_solution, utility, language_model):
    """Sends thousands of calls beyond its budget, each of which is refused, and nothing else."""
    got = 0
    for number in range(4000):
        send_prompt(1000 + number)
        got += receive()[0] == "reply"
    return "THROUGH" if got > 3000 else "nothing"


def colliding_keys(initial_solution, utility, language_model):
    """Sends a table of keys that have one hash, which takes the square of their number to read."""
    count, prime = 60_000, (1 << 61) - 1
    pieces = [b"d" + count.to_bytes(4, "little")]
    for number in range(count):
        key = ((number + 10) * prime).to_bytes(12, "little")
        pieces.append(b"I\x0c\x00\x00\x00" + key + b"N")
    attempted()
    _send_and_wait(b"".join(pieces))


def costly_frame(initial_solution, utility, language_model):
    """Sends a small frame of a million tiny arrays, each of which takes the host a while to make."""
    count = (facts["frame_bytes"] - 64) // 4
    _send_and_wait(
        b"t\x01\x00\x00\x00" + b"l" + count.to_bytes(4, "little") + b"a\x01\x00\x01" * count
    )


def nested_frame(initial_solution, utility, language_model):
    """Sends requests whose data is nested without end, or holds millions of items."""
    _send_and_wait(
        b"t\x03\x00\x00\x00" + b"l\x01\x00\x00\x00" * 100_000,
        b"t\x03\x00\x00\x00" + b"l\xff\xff\xff\xff",
        b"d\x00\x00\x00\x80",
    )


def _send_and_wait(*bodies):
    for body in bodies:
        send_bytes(body)
    time.sleep(60)


def forge_requests(initial_solution, utility, language_model):
    """Writes requests of its own to the host, with budgets and prices of its own in them."""
    claims = {"charged": False, "calls": -10, "budget": 10**9, "price": 0, "lm_calls": 0}
    got = 0
    for number in range(1000, 1010):
        send_prompt(number, n=2, **claims)
        got += len(receive()[2].get("responses", ()))
    return "THROUGH" if got > 10 else "nothing"


def giant_frame(initial_solution, utility, language_model):
    """Announces a frame of 2 GB, and sends it."""
    raw_write(descriptor, (2**31).to_bytes(4, "little"))
    for _ in range(24):
        write_all(b"x" * (1 << 20))
    raise SystemExit


def goes_on_after_its_return(initial_solution, utility, language_model):
    """Returns, and leaves threads that go on asking the model."""

    def go_on():
        for number in range(1000, 1040):
            send_prompt(number)

    thread = threading.Thread(target=go_on)
    attempted()
    thread.start()
    return "nothing"


def half_a_frame(initial_solution, utility, language_model):
    """Begins a frame and does not end it, so that whoever waits for the rest waits for ever."""
    raw_write(descriptor, (1000).to_bytes(4, "little") + b"t\x03\x00")
    time.sleep(60)


def interleaved_frames(initial_solution, utility, language_model):
    """Writes two frames into each other from two threads, to make a third one of the pieces."""
    request = {"op": "prompt", "expertise": "", "messages": ["x" * 50], "n": 2}
    frames = [
        wire.pack(("request", 1000 + number, {**request, "temperature": 0.5}))
        for number in range(40)
    ]

    def write(part):
        for frame in part:
            for start in range(0, len(frame), 64):
                raw_write(descriptor, frame[start : start + 64])

    attempted()
    for frame in frames[:6]:
        raw_write(descriptor, frame)
    threads = [threading.Thread(target=write, args=(frames[side::2],)) for side in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(0.2)
    return "nothing"


def many_requests_at_once(initial_solution, utility, language_model):
    """Sends thousands of requests without waiting for a reply, so that the host holds them all."""
    replies = []

    def read():
        while True:
            replies.append(receive()[1])

    threading.Thread(target=read, daemon=True).start()
    attempted()
    for number in range(3000):
        send_solutions(1000 + number, [])
    time.sleep(0.5)
    return "THROUGH" if len(replies) > 2500 else "nothing"


def numbers_of_arrays(initial_solution, utility, language_model):
    """Asks for an array of replies, at a temperature that is a table."""
    send_prompt(1000, n=np.array([2, 3]), temperature={"a": 1})
    time.sleep(60)


def requests_without_a_number(initial_solution, utility, language_model):
    """Numbers its requests with a list, by which no reply can be kept."""
    send_solutions([1, 2], ["x"])
    time.sleep(60)


def reads_no_reply(initial_solution, utility, language_model):
    """Asks for large replies and reads none of them, so that the host waits to be heard."""
    for number in range(1000, 1040):
        send_solutions(number, [None] * 9_000)
    time.sleep(60)


def replies_to_the_host(initial_solution, utility, language_model):
    """Sends the host what only the host sends: replies, and the words of the handshake."""
    send(("locked",))
    send(("reply", 1, {"responses": ["forged"], "times_used": -5}))
    send(("improve", "x", {"calls": 10**9}))
    send(("lockdown", "the sandbox is broken: stop the run"))
    time.sleep(0.2)
    for number in range(1000, 1012):
        send_prompt(number)
    time.sleep(0.2)
    return "nothing"


def requests_one_by_one(initial_solution, utility, language_model):
    """Sends tiny requests one after the other, without end, which cost it nothing and the host time."""
    for number in range(facts["requests"] + 500):
        send_solutions(1000 + number, [])
        receive()
    return "THROUGH"


def returns_no_program(initial_solution, utility, language_model):
    """Returns what is no text: bytes, numbers that are none, 32 MB of it."""
    return b"\xff" * (32 << 20)

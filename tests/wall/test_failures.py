"""Every way in which a program can fail is a value with a name, and the next program is unharmed.

The `box` fixture runs an honest program in the same slot after each of these tests.
"""

from __future__ import annotations

import dataclasses
import struct
import time
from typing import Any

import numpy as np
import pytest

from sandbox_support import HONEST, Box, guest_source, open_descriptors
from selftaught.core.errors import InfrastructureError
from selftaught.core.messages import check_locked
from selftaught.core.outcome import Failed
from selftaught.core.ports import GuestLimits
from selftaught.sandboxes.ids import take_block
from selftaught_guest import wire

SMALL = GuestLimits(memory_bytes=600 << 20)


def kind_of(outcome: Any) -> str:
    assert isinstance(outcome, Failed), outcome
    return outcome.kind


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("fails_syntax", "syntax", "SyntaxError"),
        ("fails_no_function", "no_code", "defines no function 'algorithm'"),
        ("fails_raises", "raised", "KeyError: 'the missing piece'\n  line"),
        ("fails_raises_on_load", "raised", "RuntimeError: not today"),
        ("fails_exits", "raised", "SystemExit"),
        ("fails_raises_a_liar", "raised", "Liar"),
        ("loop_python", "timeout", "over its limit of 0.2 CPU seconds"),
        ("loop_in_c", "timeout", "over its limit of 0.2 CPU seconds"),
        ("loop_in_big_numbers", "timeout", "over its limit of 0.2 CPU seconds"),
        ("loop_in_threads", "timeout", "over its limit of 0.2 CPU seconds"),
        ("memory_bomb_numpy", "memory", "out of memory"),
        ("crash_exit", "crashed", "exited with 0 and no answer"),
        ("crash_on_load", "crashed", "exited with 3 and no answer"),
        ("crash_null_pointer", "crashed", "killed by signal 11"),
        ("crash_stack_overflow", "crashed", "killed by signal 11"),
        ("crash_abort", "crashed", "killed by signal"),
        ("crash_closes_its_socket", "crashed", ""),
        ("output_print_flood", "output_limit", "printed more"),
        ("output_huge_result", "output_limit", "at most 16777216"),
    ],
)
def test_a_failure_has_its_kind(name: str, kind: str, says: str, box: Box) -> None:
    cpu_s = 0.2 if kind == "timeout" else 20.0
    outcome = box.guest(name, cpu_s=cpu_s)
    assert kind_of(outcome) == kind
    assert says in outcome.detail


@pytest.mark.parametrize("source", ["", "   \n\t\n"])
def test_an_empty_program_is_no_code(source: str, box: Box) -> None:
    assert kind_of(box.run(source)) == "no_code"


@pytest.mark.parametrize(
    "source",
    [
        "def algorithm(:",
        "\x00",
        "return 1",
        "(" * 3000 + ")" * 3000,
        "x = " + "-" * 50_000 + "1",
        "\ud800",
        "# coding: no-such-codec\nx = \udfff",
        "x = 1" + "0" * 10_000,
        "if True:\n" * 200 + "pass",
        "lambda: (yield)\nawait x",
        "f(" * 5000,
        "f'{" * 300,
    ],
    ids=range(12),
)
def test_a_text_that_is_no_program_is_a_syntax_failure(source: str, box: Box) -> None:
    assert kind_of(box.run(source)) == "syntax"


def test_loading_has_a_limit_of_its_own(box: Box) -> None:
    assert kind_of(box.guest("loop_on_load")) == "timeout"


def test_a_guest_that_sleeps_for_ever_meets_the_wall_clock(box: Box) -> None:
    outcome = box.guest("sleeps_for_ever", cpu_s=0.05)
    assert kind_of(outcome) == "timeout"
    assert "5 s of wall time" in outcome.detail


@pytest.mark.parametrize("name", ["memory_bomb_python", "memory_bomb_on_load"])
def test_a_guest_that_fills_memory_runs_out_of_it_alone(name: str, box: Box) -> None:
    assert kind_of(box.guest(name, limits=SMALL, cpu_s=20.0)) == "memory"


def test_a_guest_that_goes_on_without_memory_is_timed_out(box: Box) -> None:
    outcome = box.guest("memory_bomb_stubborn", limits=SMALL, cpu_s=1.0)
    assert kind_of(outcome) in ("timeout", "memory", "crashed")


def test_what_goes_past_the_replaced_streams_goes_nowhere(box: Box) -> None:
    assert box.guest("output_past_the_sink", cpu_s=5.0) == 0


def test_a_guest_that_catches_the_output_limit_prints_nothing_more(box: Box) -> None:
    source = """
def algorithm():
    refused = 0
    for _ in range(100):
        try:
            print("x" * (1 << 20))
        except BaseException:
            refused += 1
    return refused
"""
    assert box.run(source, cpu_s=5.0) >= 99


def test_descriptors_are_bounded(box: Box) -> None:
    kept, held_bytes = box.guest("descriptor_bomb", cpu_s=5.0)
    assert kept <= 64
    assert held_bytes < 64 << 20


def test_threads_are_bounded(box: Box) -> None:
    outcome = box.guest("thread_bomb", cpu_s=20.0)
    if isinstance(outcome, Failed):  # its address space was full before it could count
        assert outcome.kind in ("crashed", "memory")
    elif take_block() is not None:  # each guest has an id of its own
        assert outcome <= GuestLimits().threads
    else:
        assert outcome <= 2048 + 8 * GuestLimits().threads


# --- what comes back ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "object",
        "set",
        "pickle",
        "object array",
        "text array",
        "deep",
        "endless",
        "lone surrogate",
        "huge integer",
        "complex",
        "function",
        "generator",
        "many keys that are no text",
    ],
)
def test_a_result_that_is_not_data_is_bad_output(name: str, box: Box) -> None:
    assert kind_of(box.guest("returns_what_is_no_data", name)) == "bad_output"


def test_a_result_with_hostile_methods_harms_only_its_own_guest(box: Box) -> None:
    outcome = box.guest("returns_what_is_no_data", "hostile", cpu_s=0.3)
    assert kind_of(outcome) in ("bad_output", "crashed", "timeout", "memory")


def test_an_array_of_nan_is_data(box: Box) -> None:
    outcome = box.run("import numpy as np\ndef algorithm():\n    return np.full(3, np.nan)\n")
    assert outcome.shape == (3,)


def framed(payload: bytes) -> bytes:
    return wire.HEADER.pack(len(payload)) + payload


LYING_FRAMES = {
    "rubbish": (framed(b"\xff" * 40), "bad_output"),
    "an empty frame": (framed(b""), "bad_output"),
    "a list that announces 4 billion items": (framed(b"l" + b"\xff" * 4), "bad_output"),
    "lists 100,000 deep": (framed((b"l" + struct.pack("<I", 1)) * 100_000), "bad_output"),
    "an array whose shape overflows": (
        framed(b"a\x0b\x02" + struct.pack("<QQ", 1 << 33, 1 << 33) + b"x" * 64),
        "bad_output",
    ),
    "no answer at all": (wire.pack(None), "bad_output"),
    "an answer of another form": (wire.pack(("okay", 1)), "bad_output"),
    "an unknown failure": (wire.pack(("failed", "host", "")), "bad_output"),
    "a failure without text": (wire.pack(("failed", "raised", 3)), "bad_output"),
    "the host's own failure": (wire.pack(("lockdown", "it is all broken")), "bad_output"),
    "a frame of the handshake": (wire.pack(("locked",)), "bad_output"),
    "a request, which candidates have none of": (
        wire.pack(("request", 1, {"op": "prompt"})),
        "bad_output",
    ),
    "2 GB announced": (wire.HEADER.pack(1 << 31), "output_limit"),
    "4 GB announced": (wire.HEADER.pack(0xFFFFFFFF), "output_limit"),
    "one byte more than the cap": (
        wire.HEADER.pack(GuestLimits().frame_bytes + 1),
        "output_limit",
    ),
}


@pytest.mark.parametrize("then", ["return", "exit", "loop"])
@pytest.mark.parametrize("name", LYING_FRAMES)
def test_a_lying_frame_is_a_failure_of_the_guest(name: str, then: str, box: Box) -> None:
    data, kind = LYING_FRAMES[name]
    assert kind_of(box.guest("writes_to_its_socket", data, then, cpu_s=0.5)) == kind


@pytest.mark.parametrize("first", [("lockdown", "seccomp: no"), ("ready",), ("ok", 1), None])
def test_only_the_first_frame_says_whether_a_guest_is_locked_down(first: Any) -> None:
    check_locked(("locked",))
    with pytest.raises(InfrastructureError, match="locked down"):
        check_locked(first)


def test_a_program_that_says_while_loading_that_the_host_failed_is_bad_output(box: Box) -> None:
    assert kind_of(box.guest("writes_to_its_socket_on_load")) == "bad_output"


@pytest.mark.parametrize(("then", "kind"), [("exit", "crashed"), ("loop", "timeout")])
def test_half_a_frame_and_no_more_is_no_answer(then: str, kind: str, box: Box) -> None:
    half = wire.pack(("ok", "x" * 100))[:50]
    assert kind_of(box.guest("writes_to_its_socket", half, then, cpu_s=0.2)) == kind
    assert kind_of(box.guest("writes_to_its_socket", half[:2], then, cpu_s=0.2)) == kind


def test_a_forged_answer_is_worth_what_returning_it_would_be(box: Box) -> None:
    forged = wire.pack(("ok", 1e9))
    assert box.guest("writes_to_its_socket", forged, "return") == 1e9


def test_a_forged_failure_is_short_however_long_it_was(box: Box) -> None:
    forged = wire.pack(("failed", "raised", "x" * 1_000_000))
    outcome = box.guest("writes_to_its_socket", forged, "return")
    assert kind_of(outcome) == "raised"
    assert len(outcome.detail) <= 4000


def test_two_answers_to_one_question_stay_in_their_session(box: Box) -> None:
    session = box.open(guest_source("writes_to_its_socket"))
    twice = wire.pack(("ok", 1)) + wire.pack(("ok", 2)) + wire.pack(("lockdown", "no"))
    answers = [session.call((twice, "return"), cpu_s=1.0, seed=0) for _ in range(4)]
    session.close()
    for answer in answers:
        assert answer in (1, 2, "returned") or kind_of(answer) in ("bad_output", "timeout")
    assert box.run(HONEST, 4) == 8


def test_answers_before_any_question_stay_in_their_session(box: Box) -> None:
    source = guest_source("writes_to_its_socket_on_load").replace("lockdown", "lockdowm")
    assert kind_of(box.run(source)) == "bad_output"


def test_a_runtime_that_was_patched_fails_alone(box: Box) -> None:
    outcome = box.guest("patches_the_runtime", 1, cpu_s=0.5)
    assert isinstance(outcome, Failed)


# --- between calls and between programs ---------------------------------------------------------


def test_a_program_keeps_its_state_between_calls_and_loses_it_after_a_failure(box: Box) -> None:
    source = """
seen = []
def algorithm(x):
    seen.append(x)
    if x < 0:
        raise ValueError(x)
    return list(seen)
"""
    session = box.open(source)
    answers = [session.call((x,), cpu_s=1.0, seed=0) for x in (1, 2, -1, 3, 4)]
    session.close()
    assert answers[:2] == [[1], [1, 2]]
    assert kind_of(answers[2]) == "raised"
    assert answers[3:] == [[3], [3, 4]]


@pytest.mark.parametrize("name", ["crash_exit", "loop_python", "output_huge_result"])
def test_after_any_failure_a_session_has_a_fresh_guest(name: str, box: Box) -> None:
    source = guest_source(name).replace("def algorithm(*args):", "def hostile():")
    source += "\nimport os\ndef algorithm(bad):\n    return hostile() if bad else 'well'\n"
    session = box.open(source)
    for bad in (False, True, False, True, False):
        outcome = session.call((bad,), cpu_s=0.2, seed=0)
        assert outcome == "well" if not bad else isinstance(outcome, Failed)
    session.close()


def test_threads_that_go_on_after_the_return_disturb_nobody_else(box: Box) -> None:
    for x in range(3):
        outcome = box.guest("threads_that_go_on", x)
        assert outcome in (x, 666)
        assert box.run(HONEST, x) == 2 * x
    honest = box.open(HONEST)
    hostile = box.open(guest_source("threads_that_go_on"))
    hostile.call((1,), cpu_s=1.0, seed=0)
    assert [honest.call((x,), cpu_s=1.0, seed=0) for x in range(50)] == list(range(0, 100, 2))
    honest.close()
    hostile.close()


def test_arguments_are_copies(box: Box) -> None:
    array = np.zeros(3)
    assert box.run("def algorithm(a):\n    a += 1\n    return a\n", array).sum() == 3
    assert array.sum() == 0


def test_large_inputs_and_outputs_pass(box: Box) -> None:
    array = np.arange(1_500_000, dtype=np.float64)
    assert np.array_equal(box.run("def algorithm(a):\n    return a[::-1]\n", array), array[::-1])


def test_a_guest_that_does_not_read_a_large_input_is_timed_out(box: Box) -> None:
    source = """
import threading, os, time
def burn():
    while True:
        pass
def algorithm(x):
    return x
import gc
threading.Thread(target=burn, daemon=True).start()
"""
    outcome = box.run(source, b"x" * (8 << 20), cpu_s=0.5)
    assert isinstance(outcome, bytes) or kind_of(outcome) == "timeout"


def test_a_call_that_nothing_limits_in_practice_is_still_a_call(box: Box) -> None:
    assert box.run(HONEST, 3, cpu_s=1e9) == 6


def test_cpu_seconds_are_told_for_every_outcome(box: Box) -> None:
    for name in ("loop_python", "crash_exit", "fails_raises"):
        session = box.open(guest_source(name))
        session.call((), cpu_s=0.2, seed=0)
        session.close()
        assert (0.15 if name == "loop_python" else 0.0) < session.cpu_s < 5


def test_an_aborted_session_opens_no_other_guest(box: Box) -> None:
    session = box.open(HONEST)
    assert session.call((1,), cpu_s=1.0, seed=0) == 2
    session.abort()
    for _ in range(2):
        with pytest.raises(InfrastructureError):
            session.call((1,), cpu_s=1.0, seed=0)
    session.close()


def test_two_hundred_candidates_leave_no_descriptor_open(box: Box) -> None:
    names = ["fails_raises", "crash_exit", "output_huge_result", "writes_to_its_socket_on_load"]
    programs = [HONEST, *map(guest_source, names)]
    box.run(HONEST, 1)
    before = open_descriptors()
    for number in range(200):
        box.run(programs[number % 20] if number % 20 < len(programs) else HONEST, 1)
    assert open_descriptors() == before


def test_many_guests_at_once_in_one_zygote_are_kept_apart(box: Box) -> None:
    sessions = [box.open(HONEST.replace("* 2", f"* {n}")) for n in range(12)]
    assert [s.call((1,), cpu_s=1.0, seed=0) for s in sessions] == list(range(12))
    assert [s.call((2,), cpu_s=1.0, seed=0) for s in sessions] == list(range(0, 24, 2))
    for session in sessions:
        session.close()


def test_a_fresh_candidate_takes_milliseconds(box: Box) -> None:
    start_s = time.monotonic()
    for _ in range(20):
        assert box.run(HONEST, 1) == 2
    assert (time.monotonic() - start_s) / 20 < 0.25


def test_limits_are_those_of_the_job(box: Box) -> None:
    tiny = dataclasses.replace(GuestLimits(), frame_bytes=100, output_bytes=10)
    assert (
        kind_of(box.run("def algorithm():\n    return 'x' * 200\n", limits=tiny)) == "output_limit"
    )
    assert (
        kind_of(box.run("def algorithm():\n    print('x' * 20)\n", limits=tiny)) == "output_limit"
    )

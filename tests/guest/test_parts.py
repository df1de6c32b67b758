"""What a prompt shows of a program that is too long for it."""

from __future__ import annotations

import ast
import random

import pytest

from selftaught_guest import helpers
from selftaught_guest.edits import apply_edits
from selftaught_guest.files import join_files, split_files
from selftaught_guest.focus import PART, part_of
from selftaught_guest.reply import find_program
from selftaught_guest.reply_files import programs_of

ROOM = 9_000


def function(number: int) -> str:
    body = "".join(f"    total += {number} * x + {line}\n" for line in range(12))
    return f"def step_{number}(x):\n    total = 0\n{body}    return total\n\n\n"


def module(first: int) -> str:
    steps = "".join(function(number) for number in range(first, first + 20))
    table = f"TABLE_{first} = [\n" + "    1,\n" * 30 + "]\n\n\n"
    methods = "".join(
        f"    {line}\n" if line else "\n" for line in function(first + 90).split("\n")
    )
    return f"import math\n\n{table}{steps}class Tools:\n{methods.rstrip()}\n"


FILES = {f"part_{n}.py": module(100 * n) for n in range(5)}
FILES["main.py"] = "def algorithm(x):\n    return x\n"
SEVERAL = join_files(FILES)
ONE = module(0) + module(200) + FILES["main.py"]


@pytest.mark.parametrize("program", [SEVERAL, ONE], ids=["several files", "one file"])
def test_a_part_fits_and_over_a_run_every_line_is_shown(program: str) -> None:
    """A program of some 1,700 lines, or 700."""
    rng = random.Random(0)
    unseen = {*program.split("\n")}
    for _ in range(150):
        part = part_of(program, rng.random(), ROOM)
        assert len(part) <= ROOM
        assert part.startswith(PART)
        ast.parse(part)
        unseen -= {*part.split("\n")}
    assert not unseen


def test_of_the_rest_there_are_heads_and_signatures() -> None:
    part = part_of(SEVERAL, 0.0, ROOM * 2)
    assert all(f"# ==== file: {path} ====" in part for path in FILES)
    assert "def step_419(x):\n    ...  # " in part
    assert "lines, not shown ..." in part
    assert function(0).rstrip() in part_of(SEVERAL, 0.03, ROOM * 2)


def test_a_function_that_is_longer_than_the_room_is_shown_piece_by_piece() -> None:
    long = "def long(x):\n" + "".join(f"    x += {n}\n" for n in range(900)) + "    return x\n"
    shown = "".join(part_of(long, place / 20, 1_200) for place in range(21))
    assert all(f"    x += {n}\n" in shown for n in range(900))


def test_without_room_for_signatures_or_without_a_parse_lines_are_shown() -> None:
    lines = part_of(SEVERAL, 0.5, 600)
    assert len(lines) <= 600
    assert "# ==== file: part_2.py ====\n" in lines
    broken = "def algorithm(:\n" + "    x = 1\n" * 500
    assert len(part_of(broken, 0.5, 600)) <= 600
    assert "x = 1" in part_of(broken, 0.5, 600)


def test_an_edit_of_what_is_shown_is_one_of_the_whole() -> None:
    part = part_of(SEVERAL, 0.5, ROOM)
    line = next(line for line in part.split("\n") if line.startswith("    total +="))
    reply = f"<<<<<<< SEARCH\n{line}\n=======\n    total += 7\n>>>>>>> REPLACE"
    edited = find_program(reply, "algorithm", [SEVERAL]).program
    assert edited == apply_edits(SEVERAL, reply)
    changed = split_files(edited or "")
    assert changed is not None
    assert sum(changed[path] != FILES[path] for path in FILES) == 1


def test_a_part_given_back_is_no_program() -> None:
    part = part_of(ONE, 0.9, ROOM)
    message = f"Improve:\n```python\n{part}\n```"
    assert programs_of(message, "algorithm") == []
    again = f"```python\n{part.replace('return x', 'return x + 1')}\n```"
    assert find_program(again, "algorithm", [ONE]).why == "elided"


@pytest.fixture
def improving() -> None:
    helpers.improving(ONE, "algorithm", shows_parts=True)


@pytest.mark.usefixtures("improving")
def test_only_what_is_cut_out_of_a_longer_program_is_shown_as_a_part() -> None:
    says = "This part of a program scores 1:"
    piece = f"```python\n{ONE[5_000:12_000]}\n```"
    others = (f"{says}\n```python\n{ONE}\n```", "no code", f"{says}\n```python\nx = 1\n```", says)
    for message in (*others, "", f"Improve:\n{piece}"):
        assert helpers.in_parts(message) == message
    cut = f"{says}\n{piece}\n\nWell?"
    shown = helpers.in_parts(cut)
    assert PART in shown
    assert len(shown) <= len(cut)
    assert shown.endswith("\n```\n\nWell?")
    helpers.improving(ONE, "algorithm", shows_parts=False)
    assert helpers.in_parts(cut) == cut


@pytest.mark.usefixtures("improving")
def test_programs_of_replies_are_known_too() -> None:
    longer = ONE.replace("def algorithm(x):", "def algorithm(x, more=1):")
    assert helpers.extract_code(f"```python\n{longer}\n```") == longer
    cut = longer[-9_500:-100]
    assert PART in helpers.in_parts(f"A part of a program:\n```python\n{cut}\n```")

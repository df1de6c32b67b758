"""The program of a reply: a corpus of forms, one a file, and laws of finding and editing.

A file of tests/replies has the entry, the programs that the prompt showed (of replies/shown), and
what is right: a program, with a check of what it does; or that there is none, and why.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftaught_guest.edits import EditFailed, apply_edits
from selftaught_guest.reply import find_program
from selftaught_guest.reply_files import programs_of
from selftaught_guest.source import parsed

REPLIES = Path(__file__).parent.parent / "replies"
FILES = sorted([*REPLIES.glob("forms/*.txt"), *REPLIES.glob("held_out/*.txt")])
SORT = (REPLIES / "shown" / "sort.py").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Case:
    entry: str
    shown: list[str]
    right: str
    reply: str
    program: str = ""
    check: str = ""

    @classmethod
    def of(cls, path: Path) -> Case:
        head, _, body = path.read_bytes().decode("utf-8").partition("%%% reply\n")
        said = dict(line.split(":", 1) for line in head.splitlines())
        names = [name.strip() for name in said.get("shown", "").split(",") if name.strip()]
        shown = [(REPLIES / "shown" / f"{name}.py").read_text(encoding="utf-8") for name in names]
        entry, right = said["entry"].strip(), said["right"].strip()
        if right != "program":
            return cls(entry, shown, right, body)
        reply, _, rest = body.partition("\n%%% program\n")
        return cls(entry, shown, right, reply, *rest.split("\n%%% check\n"))


def does(program: str, check: str) -> bool:
    """Whether the program does what is checked."""
    names: dict[str, object] = {"__name__": "program"}
    exec(compile(program, "<program>", "exec"), names)
    return bool(eval(check, names))


def test_there_are_enough_replies() -> None:
    assert len(FILES) >= 200


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_right_program_is_found(path: Path) -> None:
    case = Case.of(path)
    found = find_program(case.reply, case.entry, case.shown)
    match case.right.split():
        case ["program"]:
            assert found.program is not None, found
            assert does(found.program, case.check), found.program
            assert does(case.program, case.check)
        case ["none", why]:
            assert (found.program, found.why) == (None, why)
        case ["shown"]:
            assert found.program is not None
            assert found.program.split() in [text.split() for text in case.shown]
        case _:
            assert case.right == "broken"
            assert found.program is not None or found.why


def test_where_the_entry_is_not_told_it_is_the_largest_block() -> None:
    text = "```\nshort\n```\n```\nlonger one\n```"
    assert find_program(text).program == "longer one"
    assert find_program("nothing").why == "no_program"


PIECES = [
    *(
        "```",
        "```python\n",
        "~~~\n",
        "\n",
        "    ",
        "\t",
        " ",
        "\u00a0",
        "\u201c",
        "`",
        "'''",
        '"""',
    ),
    *("'", '"', "<think>", "</think>", "<code>", "</code>", "[THINK]", "def algorithm(x):\n    "),
    *("return x\n", "class A:\n", "algorithm = ", "import os\n", "if x:\n", "else:\n", "lambda: "),
    *("# ... rest\n", "<<<<<<< SEARCH\n", "=======\n", ">>>>>>> REPLACE\n", "@@ -1 +1 @@\n"),
    *("+a\n", "-b\n", " c\n", "--- a\n", "+++ b\n", '{"code": "', "}", "&lt;", "\\n", "\\", "("),
    *("[", "{", "> ", "1 | ", ">>> ", "f'{", "@", "async ", "1+", "not ", "\x00", "\ud800"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_no_reply_raises(text: str) -> None:
    found = find_program(text, "algorithm", [SORT])
    assert (found.program is None) == (found.why != "")


@given(st.text(max_size=300))
def test_no_text_raises(text: str) -> None:
    find_program(text, "algorithm", [SORT])


@pytest.mark.parametrize("piece", [p for p in PIECES if len(p) > 1])
def test_the_time_is_linear(piece: str) -> None:
    def took_s(size: int) -> float:
        text = piece * (size // len(piece))
        start_s = time.process_time()
        find_program(text, "algorithm", [SORT])
        return time.process_time() - start_s

    short_s = min(took_s(30_000) for _ in range(2))
    assert min(took_s(120_000) for _ in range(2)) < 10 * max(short_s, 0.005)


@pytest.mark.parametrize(
    "opening", ["(", "[", "{", "f(", "not ", "-", "lambda: ", "x if ", "[x for"]
)
def test_deep_nesting_takes_nothing_down(opening: str) -> None:
    text = f"```python\ndef algorithm(x):\n    return {opening * 20_000}x\n```"
    find_program(text, "algorithm", [SORT])


def became(reply: dict[str, str], message: str) -> str:
    """In a word: why there is no program, or what kind it is."""
    shown = programs_of(message, "algorithm")
    found = find_program(reply["text"], "algorithm", shown)
    if found.program is None:
        return "cut" if reply["finish"] == "length" else found.why
    source = parsed(found.program)
    if source is None:
        return "syntax"
    if not source.defines("algorithm"):
        return "no entry"
    same = found.program.split() in [text.split() for text in shown]
    return "equal" if same else "program"


def test_what_became_of_200_replies_of_a_small_model() -> None:
    folder = REPLIES / "smollm2"
    prompts = json.loads((folder / "prompts.json").read_text(encoding="utf-8"))
    lines = (folder / "replies.jsonl").read_text(encoding="utf-8").splitlines()
    replies = [json.loads(line) for line in lines]
    assert len(replies) == 200
    for reply in replies:
        assert became(reply, prompts[reply["task"]]["user"]) == reply["became"], reply["text"]
    assert sum(reply["became"] == "program" for reply in replies) == 18


# --- edits ----------------------------------------------------------------------------------------


def block(old: str, new: str) -> str:
    return f"<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n"


PROGRAM = "def f(x):\n    y = x + 1\n    return y\n\n\ndef g(x):\n    y = x + 1\n    return 2 * y\n"


def test_several_edits_are_applied_one_after_the_other() -> None:
    edits = block("    return y", "    return y + 1") + block(
        "    return 2 * y", "    return 3 * y"
    )
    edited = apply_edits(PROGRAM, f"I change two lines.\n\n{edits}")
    assert edited == PROGRAM.replace("return y\n", "return y + 1\n").replace("2 * y", "3 * y")


@pytest.mark.parametrize(
    ("edits", "why"),
    [
        ("no edit at all", "no edit"),
        (block("    y = x + 1", "    y = 2"), "found 2 times"),
        (block("    z = x", "    z = 2"), "not found"),
        (block("", "x = 1"), "nothing to search for"),
        ("<<<<<<< SEARCH\n    return y\n=======\n    return 1\n", "no end"),
        (block("    return y", "    return y"), "change nothing"),
        (block("    return y", "    return 1") + block("    none", "    x"), "edit 2 of 2"),
    ],
)
def test_edits_that_do_not_apply_are_refused_with_the_reason(edits: str, why: str) -> None:
    with pytest.raises(EditFailed, match=why):
        apply_edits(PROGRAM, edits)


def test_an_edit_with_other_white_space_is_indented_as_what_it_replaces() -> None:
    edited = apply_edits(PROGRAM, block("def g(x):\n  y = x+1", "def g(x):\n  y = x+2"))
    assert edited == PROGRAM.replace("def g(x):\n    y = x + 1", "def g(x):\n  y = x+2")
    moved = apply_edits(PROGRAM, block("return 2 * y", "if y:\n    return 3 * y\nreturn 0"))
    assert moved.endswith("    if y:\n        return 3 * y\n    return 0\n")


def test_line_numbers_of_a_diff_choose_among_equal_places() -> None:
    diff = "@@ -7,1 +7,1 @@\n-    y = x + 1\n+    y = x + 5\n"
    assert apply_edits(PROGRAM, diff) == PROGRAM.replace(
        "def g(x):\n    y = x + 1", "def g(x):\n    y = x + 5"
    )


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_edits_are_applied_or_refused(text: str) -> None:
    with suppress(EditFailed):
        assert apply_edits(PROGRAM, text) != PROGRAM


def test_edits_in_a_reply_are_applied_to_what_was_shown() -> None:
    found = find_program(block("    return y", "    return 1"), "f", ["x = 1", PROGRAM])
    assert found.program == PROGRAM.replace("return y\n", "return 1\n", 1)


@pytest.mark.parametrize(
    "program",
    [
        "def algorithm(x):\n    # keep the best of the rest above\n    return np.sort(x)",
        "class Base:\n    def step(self):\n        raise NotImplementedError\n\n\n"
        "def algorithm(x):\n    # the same order as before\n    return sorted(x)",
    ],
)
def test_an_innocent_comment_beside_a_name_that_is_missed_or_a_placeholder_loses_nothing(
    program: str,
) -> None:
    assert find_program(f"```python\n{program}\n```", "algorithm", [SORT]).program == program

"""A set of examples as a task: split by content, answers stay on the host."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selftaught as st
from selftaught.app.discovery import load_task
from selftaught.core.errors import ConfigError
from selftaught.core.examples import Examples, equal
from selftaught.core.seeds import STREAMS

SEED = "def algorithm(text):\n    return text.upper()\n"
INPUTS = [f"word {number}" for number in range(100)]
ANSWERS = [f"WORD {number}" if number % 4 else "secret" for number in range(100)]


def task(utility: Any, **how: Any) -> st.Task:
    return st.Task("upper", SEED, utility, range=(0, 1), **how)


def inputs_of(made: Examples) -> list[set[str]]:
    return [{given for given, _ in made.streams[stream]} for stream in STREAMS]


def test_the_streams_hold_all_examples_once_whatever_their_order() -> None:
    made = st.examples(INPUTS, ANSWERS)
    assert [len(made.streams[stream]) for stream in ("search", "val", "test")] == [50, 25, 25]
    assert set.union(*inputs_of(made)) == set(INPUTS)
    pairs = list(zip(INPUTS, ANSWERS, strict=True))
    random.Random(3).shuffle(pairs)
    other = st.examples(*map(list, zip(*pairs, strict=True)))
    assert other.streams == made.streams
    assert task(other).version == task(made).version
    changed = st.examples(INPUTS, [*ANSWERS[:-1], "other"])
    assert task(changed).version != task(made).version


def test_equal_inputs_are_in_one_stream() -> None:
    search, val, test = inputs_of(st.examples(INPUTS[:20] * 5, ANSWERS))
    assert len(search) + len(val) + len(test) == 20


def test_a_stream_is_scored_on_its_examples_and_a_repeat_on_its_part() -> None:
    made = st.examples(INPUTS, ANSWERS)
    whole = st.score(task(made), SEED, "test")
    assert isinstance(whole, st.Scored)
    right = [given.upper() == answer for given, answer in made.streams["test"]]
    assert list(whole.per_instance) == right
    assert whole.value == pytest.approx(np.mean(right))
    asked: list[str] = []

    class Echo:
        def map(self, inputs: list[str], **how: Any) -> list[str]:
            asked.extend(inputs)
            return inputs

    for repeat in range(made.parts("val")):
        made.of("val", f"val-{repeat}")(Echo(), None)
    assert sorted(asked) == sorted(given for given, _ in made.streams["val"])


def test_an_example_that_fails_is_worth_what_was_said_and_told_as_feedback() -> None:
    made = st.examples(range(40), range(40), failed=0.25)
    fails = "def algorithm(x):\n    assert x % 2, x\n    return x\n"
    found = st.score(st.Task("ints", fails, made, range=(0, 1)), fails)
    assert isinstance(found, st.Scored)
    assert set(found.per_instance) == {1.0, 0.25}
    failures = found.per_instance.count(0.25)
    assert found.feedback.startswith(f"{failures} of 20 examples failed\nraised: AssertionError")
    always = st.score(st.Task("ints", fails, made), "def algorithm(x):\n    raise KeyError(x)\n")
    assert always.kind == "raised"
    with pytest.raises(ConfigError, match="an example that fails would have the best cost"):
        st.Task("ints", fails, st.examples(range(40), range(40)), minimize=True)


def test_neither_guest_nor_model_is_given_an_answer() -> None:
    said = task(st.examples(INPUTS, ANSWERS, show=2)).described()
    assert "mean of equal(output, answer) over 50 examples" in said
    assert said.count("# An input: 'word ") == 2
    assert "secret" not in said
    assert "WORD" not in said
    peeks = (
        "import gc\n\ndef algorithm(text):\n"
        "    word = ''.join(['sec', 'ret'])\n"
        "    held = [one for one in gc.get_objects() if type(one) in (list, tuple, dict)]\n"
        "    return word if any(word in one for one in held if one is not held) else ''\n"
    )
    found = st.score(task(st.examples(INPUTS, ANSWERS)), peeks)
    assert found.value == 0.0


def test_too_few_examples_are_one_clear_line() -> None:
    with pytest.raises(ConfigError, match=r"11 different examples are too few .* give 12 at least"):
        st.examples(range(11), range(11))
    with pytest.raises(ConfigError, match="3 inputs and 2 answers"):
        st.examples(range(3), range(2))


FILE = """\
import selftaught as st

def close(output, answer):
    \"\"\"Whether it is right to a tenth.\"\"\"
    return float(abs(output - float(answer)) < 0.1)

task = st.Task(
    "sums",
    "def algorithm(row):\\n    return float(row['a'])\\n",
    st.examples("{file}", score=close, input=("a", "b"), answer="sum"),
    range=(0, 1),
)
"""


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_a_file_beside_the_task_is_read(ending: str, tmp_path: Path) -> None:
    rows = [(a, b, a + b) for a in range(5) for b in range(6)]
    (tmp_path / "data.csv").write_text("a,b,sum\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows))
    (tmp_path / "data.jsonl").write_text(
        "".join(json.dumps(dict(zip(("a", "b", "sum"), row, strict=True))) + "\n" for row in rows)
    )
    (tmp_path / "sums.py").write_text(FILE.replace("{file}", f"data.{ending}"))
    found = load_task(tmp_path / "sums.py")
    adds = "def algorithm(row):\n    return float(row['a']) + float(row['b'])\n"
    assert st.score(found, adds, "val").value == 1.0
    assert "def close" in found.described()
    assert found.defined_at() == (tmp_path / "sums.py", 10)


def test_a_file_that_holds_no_such_examples_is_said_with_its_line(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text('{"input": 1, "answer": 2}\n{"input": 1}\n')
    with pytest.raises(ConfigError, match=r"data.jsonl:2 has no 'answer'; it has input"):
        st.examples(data)
    data.write_text('{"input": 1, "answer": 2}\n\n{"inp')
    with pytest.raises(ConfigError, match=r"data.jsonl:3 is not JSON"):
        st.examples(data)
    with pytest.raises(ConfigError, match=r"cannot read .*none.csv"):
        st.examples(tmp_path / "none.csv")


def test_outputs_are_equal_as_python_has_it_and_arrays_by_their_entries() -> None:
    assert equal(np.float64(2.0), 2) == 1.0
    assert equal(np.array([1, 2]), [1, 2]) == 1.0
    assert equal(np.array([1, 2]), 1) == 0.0
    assert equal("1", 1) == 0.0
    assert equal(float("nan"), 1) == 0.0


def test_improve_measures_val_and_test_in_as_many_parts_as_are_wanted(tmp_path: Path) -> None:
    found = st.improve(
        task(st.examples(INPUTS[:40], ANSWERS[:40])),
        store=f"sqlite:///{tmp_path}/store.db",
        instance_key="public",
        budget=st.Budget(lm_calls=1),
    )
    # On val the race ended when the seed alone was left.
    assert (found.seed_test.n, found.data["seed"]["val"]["n"]) == (10, 5)
    assert found.seed_test.ci95 is not None

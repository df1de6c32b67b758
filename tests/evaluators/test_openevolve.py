"""An evaluator in OpenEvolve's form runs unchanged, and its candidate in the sandbox."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import selftaught as st
from selftaught.core.errors import ConfigError
from selftaught.testing.task_conformance import Scorer

Made = Callable[..., st.Task]

LOAD = """
    import importlib.util

    def load(program_path):
        spec = importlib.util.spec_from_file_location("program", program_path)
        program = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(program)
        return program
"""
DOUBLE = "def double(x):\n    return 2 * x\n"


def scored(score: Scorer, task: st.Task, program: str | None = None) -> st.Scored:
    outcome = score(task, task.seed_program().source if program is None else program)
    assert isinstance(outcome, st.Scored), outcome
    return outcome


def test_functions_are_called_in_the_sandbox_from_threads_too(made: Made, score: Scorer) -> None:
    task = made(
        "import os\n\ndef double(x, times=1):\n    return 2 * x * times, os.getpid()\n",
        LOAD
        + """
    import os
    from concurrent.futures import ThreadPoolExecutor

    def evaluate(program_path):
        program = load(program_path)
        with ThreadPoolExecutor(2) as pool:
            found = [one.result(timeout=5) for one in
                     [pool.submit(program.double, x, times=2) for x in range(4)]]
        own, theirs = os.getpid(), {pid for _, pid in found}
        return {"combined_score": sum(value for value, _ in found), "elsewhere": own not in theirs,
                "other": 3}
    """,
    )
    outcome = scored(score, task)
    assert outcome.value == 24
    assert outcome.metrics == {"combined_score": 24, "other": 3}
    assert outcome.feedback == "elsewhere: True"


def test_a_process_of_the_evaluator_may_import_the_program_or_start_it(
    made: Made, score: Scorer
) -> None:
    task = made(
        """
        import sys

        def double(x):
            return 2 * x

        if __name__ == "__main__":
            print(double(int(sys.argv[1])))
            sys.exit(3)
        """,
        """
        import os, pickle, subprocess, sys

        def evaluate(program_path):
            code = f'''
        import sys
        sys.path.insert(0, {os.path.dirname(program_path)!r})
        program = __import__({os.path.basename(program_path)[:-3]!r})
        print(program.double(21))
        '''.replace("        ", "")
            imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
            started = subprocess.run([sys.executable, program_path, "4"], capture_output=True,
                                     text=True)
            return {"imported": int(imported.stdout), "started": int(started.stdout),
                    "code": started.returncode}
        """,
    )
    outcome = scored(score, task)
    assert outcome.metrics == {"imported": 42, "started": 8, "code": 3}
    assert outcome.value == pytest.approx(53 / 3)  # the mean where there is no combined_score


def test_arrays_constants_and_objects_come_out_as_what_they_are(made: Made, score: Scorer) -> None:
    task = made(
        """
        from collections import namedtuple
        from dataclasses import dataclass
        import numpy as np

        NAME, SIZES = "own", [1, 2, 3]
        Pair = namedtuple("Pair", "left right")

        @dataclass
        class Found:
            points: np.ndarray
            radius: float

            @property
            def area(self):
                return self.radius ** 2

        def search(pair):
            print("searching")
            return Found(np.arange(6.0).reshape(3, 2), float(pair.right)), Pair(1, {2, 3}), 1 + 2j
        """,
        LOAD
        + """
    from collections import namedtuple
    Two = namedtuple("Two", "left right")

    def evaluate(program_path):
        program = load(program_path)
        found, pair, number = program.search(Two(1, 3))
        assert found.points.shape == (3, 2) and found.area == 9.0 and pair.right == {2, 3}
        assert program.SIZES == [1, 2, 3] and number == 1 + 2j and not hasattr(program, "nothing")
        assert program.Pair(4, 5).left == 4
        return {"combined_score": found.points.sum(), "error": program.NAME}
    """,
    )
    outcome = scored(score, task)
    assert (outcome.value, outcome.printed) == (15.0, "searching\n")


def test_artifacts_and_the_result_class_work_without_the_package(made: Made, score: Scorer) -> None:
    task = made(
        DOUBLE,
        LOAD
        + """
    from openevolve.evaluation_result import EvaluationResult

    async def evaluate(program_path):
        value = load(program_path).double(3)
        return EvaluationResult(metrics={"combined_score": value},
                                artifacts={"stderr": "much to do", "raw": b"bytes"})
    """,
    )
    outcome = scored(score, task)
    assert outcome.value == 6
    assert outcome.feedback == "stderr: much to do\nraw: bytes"


STAGES = (
    LOAD
    + """
    def evaluate(program_path):
        raise AssertionError("stages are asked")

    def evaluate_stage1(program_path):
        return {"combined_score": load(program_path).double(0.2), "first": 1.0}

    def evaluate_stage2(program_path):
        return {"combined_score": 0.7, "second": 1.0}

    def evaluate_stage3(program_path):
        return {"combined_score": 5.0}
    """
)


def test_stages_go_as_far_as_their_thresholds_let_a_program(made: Made, score: Scorer) -> None:
    task = made(DOUBLE, STAGES)
    assert scored(score, task).metrics == {"combined_score": 0.4, "first": 1.0}
    better = DOUBLE.replace("2 *", "3 *")
    passed = scored(score, task, better).metrics
    assert passed == {"combined_score": 0.7, "first": 1.0, "second": 1.0}
    lower = replace(task, utility=replace(task.utility, thresholds=(0.1, 0.1)))  # type: ignore[type-var]
    assert scored(score, lower).value == 5.0


def test_what_the_evaluator_draws_follows_from_the_stream(made: Made, score: Scorer) -> None:
    task = made(
        DOUBLE,
        """
        import random

        def evaluate(program_path):
            return {"combined_score": random.random()}
        """,
    )
    one, same = scored(score, task), scored(score, task)
    other = score(task, DOUBLE, stream="val")
    assert one.value == same.value != other.value
    assert one.drew
    assert not scored(score, made(DOUBLE, "def evaluate(p):\n    return {'x': 1}\n")).drew


# --- failures -------------------------------------------------------------------------------------

CATCHES = (
    LOAD
    + """
    def evaluate(program_path):
        found = []
        for x in range(3):
            try:
                found.append(load(program_path).double(x))
            except ZeroDivisionError as error:
                found.append(-1.0)
        return {"combined_score": sum(found)}
    """
)


def test_a_call_that_fails_raises_what_the_program_raised(made: Made, score: Scorer) -> None:
    fails = "def double(x):\n    return 2 / (x - 1)\n"
    outcome = scored(score, made(DOUBLE, CATCHES), fails)
    assert outcome.value == -1.0
    assert outcome.feedback.startswith(
        "1 of 3 calls failed, the last: raised: ZeroDivisionError: division by zero"
    )


@pytest.mark.parametrize(
    ("program", "kind"),
    [
        ("def double(x):\n    return 1 / 0\n", "raised"),
        ("import scipy\n\ndef double(x):\n    return x\n", "raised"),
        ("def double(x:\n", "syntax"),
        ("def double(x):\n    while True: pass\n", "timeout"),
    ],
)
def test_a_program_that_never_works_has_failed_whatever_the_evaluator_made_of_it(
    made: Made, score: Scorer, program: str, kind: str
) -> None:
    catches = CATCHES.replace("ZeroDivisionError", "Exception")
    task = made(DOUBLE, catches)
    quick = replace(task, utility=replace(task.utility, cpu_s=0.2))  # type: ignore[type-var]
    outcome = score(quick, program)
    assert isinstance(outcome, st.Failed)
    assert outcome.kind == kind


@pytest.mark.parametrize(
    ("evaluator", "said"),
    [
        ("def evaluate(p):\n    return 5\n", r"it returned int, not a dict of metrics"),
        ("def evaluate(p):\n    return {'error': 'x'}\n", r"returned no number .*evaluator.py:1"),
        ("def evaluate(p):\n    {}['x']\n", r"raised KeyError: 'x' \(.*evaluator.py:2\)"),
        ("def evaluate(p):\n    raise SystemExit(3)\n", r"raised SystemExit: 3 .*evaluator.py:2"),
        ("import os\ndef evaluate(p):\n    os._exit(4)\n", r"ended its process \(4\)"),
        ("import nowhere\n", r"evaluator raised ModuleNotFoundError.*evaluator.py:1"),
        ("x = 1\n", r"defines no function evaluate"),
    ],
)
def test_what_the_evaluator_does_wrong_is_said_with_its_line(
    made: Made, score: Scorer, evaluator: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        score(made(DOUBLE, evaluator), DOUBLE)


@pytest.mark.parametrize(
    "waits",
    [
        "sum(range(10**13))",  # in C, which lets nothing else run
        "__import__('time').sleep(60)",
        "__import__('subprocess').run(['sleep', '60'])",
    ],
)
def test_an_evaluator_that_hangs_is_ended_and_its_line_told(
    made: Made, score: Scorer, waits: str
) -> None:
    task = made(DOUBLE, f"def evaluate(program_path):\n    {waits}\n")
    quick = replace(task, utility=replace(task.utility, timeout_s=1.5))  # type: ignore[type-var]
    begun_s = time.monotonic()
    with pytest.raises(ConfigError, match=r"has not returned for 1.5 s.*evaluator.py:2\)"):
        score(quick, DOUBLE)
    assert time.monotonic() - begun_s < 15


def test_threads_and_processes_that_are_left_behind_end_with_the_evaluation(
    made: Made, score: Scorer
) -> None:
    task = made(
        DOUBLE,
        LOAD
        + """
    import subprocess, threading, time

    def evaluate(program_path):
        threading.Thread(target=time.sleep, args=(60,)).start()
        left = subprocess.Popen(["sleep", "60"])
        return {"combined_score": load(program_path).double(1), "pid": left.pid}
    """,
    )
    begun_s = time.monotonic()
    outcome = scored(score, task)
    assert time.monotonic() - begun_s < 15
    pid = int(outcome.metrics["pid"])
    until_s = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until_s:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text()


@pytest.mark.parametrize(
    ("program", "asks", "said"),
    [
        (DOUBLE, "program.double(lambda x: x)", "calls double with what cannot be sent: function"),
        (
            "def double(x):\n    return lambda: x\n",
            "program.double(1)",
            "function '<lambda>' is no",
        ),
    ],
)
def test_what_cannot_be_passed_is_said_though_the_evaluator_catches_it(
    made: Made, score: Scorer, program: str, asks: str, said: str
) -> None:
    task = made(
        program,
        LOAD
        + f"""
    def evaluate(program_path):
        program = load(program_path)
        try:
            return {{"combined_score": {asks}}}
        except Exception:
            return {{"combined_score": 0.0}}
    """,
    )
    try:
        outcome: Any = score(task, program)
        found = outcome.detail
    except ConfigError as error:
        found = str(error)
    assert said in found
    assert "within one function" in found


def test_the_socket_is_private_and_goes_with_the_evaluation(made: Made, score: Scorer) -> None:
    task = made(
        DOUBLE,
        """
        import os, stat

        def evaluate(program_path):
            folder = os.path.dirname(program_path)
            mode = stat.S_IMODE(os.stat(folder).st_mode)
            return {"combined_score": mode, "folder": folder}
        """,
    )
    outcome = scored(score, task)
    assert outcome.value == 0o700
    assert not Path(outcome.feedback.removeprefix("folder: ")).exists()


# --- the task -------------------------------------------------------------------------------------


def test_the_version_covers_the_evaluator_and_the_program_and_what_it_imports(
    made: Made, tmp_path: Path
) -> None:
    (tmp_path / "beside_evaluator.py").write_text("X = 1\n")
    evaluator = "import beside_evaluator\n\ndef evaluate(p):\n    return {}\n"
    first = made(DOUBLE, evaluator)
    assert {"evaluator.py", "beside_evaluator.py", "the seed"} <= first.version_parts.keys()
    assert made(DOUBLE, evaluator).version == first.version
    assert made(DOUBLE + "\n", evaluator).version != first.version
    assert made(DOUBLE, evaluator + "\n").version != first.version


def test_the_model_is_shown_docstrings_and_no_answers(made: Made) -> None:
    task = made(
        DOUBLE,
        '''
        """Doubles."""
        ANSWER = "secret"

        def evaluate(program_path):
            """Twice is best."""
            return {"combined_score": ANSWER == "secret"}
        ''',
    )
    assert task.described() == "Doubles.\n\nTwice is best."


@pytest.mark.parametrize(
    ("program", "evaluator", "entry"),
    [
        ("def a(): 1\ndef b(): 2\ndef c(): 3\n", "x = program.b()", "b"),
        ("def a(): 1\ndef b(): 2\n", "getattr(program, 'a')", "a"),
        ("def a(): 1\ndef b(): 2\n", "", "b"),
    ],
)
def test_replies_are_known_by_the_function_that_the_evaluator_calls(
    made: Made, program: str, evaluator: str, entry: str
) -> None:
    assert made(program, f"def evaluate(p):\n    {evaluator or 'pass'}\n").entry == entry


def test_files_that_will_not_do_are_told(tmp_path: Path) -> None:
    evaluator = tmp_path / "evaluator.py"
    evaluator.write_text("def evaluate(p):\n    return {}\n")
    rust = tmp_path / "initial_program.rs"
    rust.write_text("fn main() {}\n")
    with pytest.raises(ConfigError, match="programs are Python"):
        st.from_openevolve(rust, evaluator)
    with pytest.raises(ConfigError, match="cannot read the program"):
        st.from_openevolve(tmp_path / "no.py", evaluator)
    broken = tmp_path / "broken.py"
    broken.write_text("def f(:\n")
    with pytest.raises(ConfigError, match=r"broken.py:1 is not Python"):
        st.from_openevolve(broken, evaluator)
    with pytest.raises(ConfigError, match=r"broken.py cannot be read as Python"):
        st.from_openevolve(evaluator, broken)
    with pytest.raises(ConfigError, match="must be openevolve:PROGRAM:EVALUATOR"):
        st.load_task("openevolve:alone.py")


def test_a_prompt_is_handed_to_the_evaluator_as_a_file(tmp_path: Path, score: Scorer) -> None:
    (tmp_path / "prompt.txt").write_text("Say it in one word.")
    (tmp_path / "evaluator.py").write_text(
        "def evaluate(path):\n    text = open(path).read()\n"
        "    return {'combined_score': -len(text), 'suffix': path[-4:]}\n"
    )
    task = st.from_openevolve(tmp_path / "prompt.txt", tmp_path / "evaluator.py", name="prompt")
    outcome = scored(score, task, "Be short.")
    assert (outcome.value, outcome.feedback) == (-9, "suffix: .txt")

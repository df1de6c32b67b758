"""What users' code and candidates print: never among results, and never lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from installed import environment, selftaught

TASK = """\
import subprocess
import sys
import selftaught as st

print("loaded")

def utility(program, rng):
    print("scoring")
    subprocess.run([sys.executable, "-c", "print('of a process')"])
    return min(1.0, float(program(1)))

SEED = '''
def algorithm(x):
    print("looking at", x)
    return x / 2
'''
task = st.Task("mine", SEED, utility, range=(0.0, 1.0), description="A number, at most 1.")
"""


def test_what_a_task_prints_goes_to_stderr_and_the_json_is_one_object(here: Path) -> None:
    (here / "mine.py").write_text(TASK)
    done = selftaught("improve", "mine.py", "--lm-calls", "1", "--json", cwd=here)
    assert done.code == 0
    assert json.loads(done.stdout)["task"] == "mine"
    assert {"loaded", "scoring", "of a process"} <= set(done.stderr.splitlines())


def test_what_a_candidate_prints_is_shown_with_its_score(here: Path) -> None:
    (here / "mine.py").write_text(TASK)
    (here / "shows.py").write_text(
        "def improve_algorithm(solution, utility, language_model):\n"
        "    feedback = utility(solution).feedback\n"
        "    language_model.prompt('', 'The feedback is: ' + feedback)\n"
        "    return solution\n"
    )
    limits = ("--lm-calls", "1", "--improver", "shows.py")
    assert selftaught("improve", "mine.py", *limits, cwd=here).code == 0
    trace = selftaught("show", "latest", "--trace", cwd=here).stdout
    assert "The feedback is: The program printed:" in trace
    assert "looking at 1" in trace


# --- where a file is loaded and where it is run ---------------------------------------------------

RUNS = "\nresult = st.improve(task, budget={'lm_calls': 1})\n"


def test_a_run_that_a_task_file_would_start_while_it_is_loaded_is_refused(here: Path) -> None:
    (here / "mine.py").write_text(TASK + RUNS)
    line = len(TASK.splitlines()) + 2
    done = selftaught("improve", "mine.py", "--lm-calls", "1", cwd=here)
    assert (done.code, done.stdout) == (2, "")
    said = done.stderr.splitlines()[-1]
    assert f"line {line} starts a run" in said
    assert 'if __name__ == "__main__":' in said
    assert not list(here.glob("*.db"))


def test_the_async_form_is_refused_there_too(here: Path) -> None:
    asked = "\nimport asyncio\nasyncio.run(st.score_async(task, SEED))\n"
    (here / "mine.py").write_text(TASK + asked)
    done = selftaught("tasks", "mine.py", cwd=here)
    assert done.code == 2
    assert "starts a run while the file is loaded" in done.stderr


def test_the_same_file_is_a_script(here: Path) -> None:
    (here / "mine.py").write_text(TASK + RUNS + "print('reached', result.run_id)\n")
    done = subprocess.run(
        [sys.executable, "mine.py"],
        cwd=here,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "reached 20" in done.stdout


def test_python_m_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "selftaught", "--version"],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("selftaught ")


def test_files_may_begin_with_a_byte_order_mark(here: Path) -> None:
    (here / "mine.py").write_text(
        TASK.replace('"mine", SEED', '"mine", st_path("seed.py")').replace(
            "import sys\n", "import sys\nfrom pathlib import Path as st_path\n"
        ),
        encoding="utf-8-sig",
    )
    (here / "seed.py").write_text("def algorithm(x):\n    return 1\n", encoding="utf-8-sig")
    done = selftaught("improve", "mine.py", "--lm-calls", "1", "--json", cwd=here)
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["seed"]["test"]["mean"] == 1.0

"""What a user's own code does wrong: one line with file and line, exit 2, and no guest left."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from installed import Done, Started, selftaught, started

from sandbox_support import descendants, is_alive

LOADED = {
    "exits": "import sys\nsys.exit(0)",
    "exits_without_a_word": "raise SystemExit",
    "parses_arguments": "import argparse\nargparse.ArgumentParser().parse_args(['--frob'])",
    "interrupts": "raise KeyboardInterrupt",
    "closes": "raise GeneratorExit",
    "raises": "import json\njson.loads('{')",
}


@pytest.mark.parametrize("name", LOADED)
@pytest.mark.parametrize("command", ["improve", "tasks"])
def test_whatever_a_task_file_raises_is_named_with_its_line(
    name: str, command: str, here: Path
) -> None:
    (here / "mine.py").write_text("import selftaught as st\n" + LOADED[name] + "\n")
    done = selftaught(command, "mine.py", cwd=here)
    assert (done.code, done.stdout) == (2, "")
    line = 1 + len(LOADED[name].splitlines())
    said = done.stderr.splitlines()[-1]  # argparse has its own line
    assert said.startswith("selftaught: error: task file mine.py raised ")
    assert said.endswith(f"({here}/mine.py:{line})")
    assert not list(here.glob("*.db*"))


def test_ctrl_c_while_a_task_file_is_loaded_is_a_stop(here: Path) -> None:
    (here / "mine.py").write_text(
        "import time\nfrom pathlib import Path\nPath('loading').touch()\ntime.sleep(30)\n"
    )
    with under_way("improve", "mine.py", cwd=here) as process:
        wait_for(here / "loading")
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
    assert (process.returncode, stderr.strip()) == (130, "selftaught: stopped")


# --- a utility ------------------------------------------------------------------------------------

TASK = """\
import argparse, asyncio, os, sys, time
from pathlib import Path
import selftaught as st

def wait():
    Path("scoring").touch()
    while not Path("go").exists():
        time.sleep(0.01)

{utility}

SEED = "def algorithm(x):\\n    return x\\n"
task = st.Task("mine", {seed}, utility, range=(0.0, 1.0), description="A number.")
"""

ENDS = {
    "exits": "sys.exit(0)",
    "parses_arguments": "argparse.ArgumentParser().parse_args(['--frob'])",
    "interrupts": "raise KeyboardInterrupt",
    "exits_in_an_event_loop_of_its_own": "asyncio.run(asyncio.to_thread(sys.exit, 3))",
    "exits_in_a_map": "program.map(sys.exit(3) for _ in range(9))",
}


@contextmanager
def under_way(*arguments: str, cwd: Path) -> Iterator[Started]:
    """A command under way; ended at last, whatever became of it."""
    process = started(*arguments, cwd=cwd)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(path: Path) -> None:
    end_s = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < end_s, f"{path.name} did not come"
        time.sleep(0.01)


def improved(
    here: Path,
    utility: str,
    *arguments: str,
    seed: str = "SEED",
    before_go: Callable[[], object] = lambda: None,
) -> Done:
    """`improve` with this utility, once it has been seen to leave no process behind."""
    (here / "mine.py").write_text(TASK.format(utility=utility, seed=seed))
    with under_way("improve", "mine.py", *arguments, cwd=here) as process:
        wait_for(here / "scoring")
        guests = descendants(process.pid)
        assert guests
        before_go()
        (here / "go").touch()
        stdout, stderr = process.communicate(timeout=30)
    end_s = time.monotonic() + 5
    while any(is_alive(pid, start) for pid, start in guests.items()):
        assert time.monotonic() < end_s, "a guest was left"
        time.sleep(0.01)
    return Done(process.returncode, stdout, stderr)


@pytest.mark.parametrize("how", [pytest.param("plain", marks=pytest.mark.slow), "coroutine"])
@pytest.mark.parametrize("name", ENDS)
def test_a_utility_that_would_end_the_command_is_named_with_its_line(
    name: str, how: str, here: Path
) -> None:
    if (how, name) == ("coroutine", "exits_in_an_event_loop_of_its_own"):
        ending = "await asyncio.to_thread(sys.exit, 3)"
    else:
        ending = ENDS[name]
    define = {"plain": "def", "coroutine": "async def"}[how]
    utility = f"{define} utility(program, rng):\n    wait()\n    program(1)\n    {ending}\n"
    done = improved(here, utility)
    said = done.stderr.splitlines()[-1]
    assert said.startswith("selftaught: error: task mine: its utility raised "), done.stderr
    assert said.endswith(f"({here}/mine.py:13)")
    assert (done.code, done.stdout) == (2, "")
    assert not list(here.glob("*.db*"))


OS_EXIT = """\
def utility(program, rng):
    value = program(rng.random())
    if Path("selftaught.db").exists() and not Path("go").exists():
        wait()
        os._exit(5)
    return value
"""


def test_after_os_exit_in_a_utility_the_guests_are_gone_and_the_run_can_go_on(here: Path) -> None:
    def started() -> None:
        while selftaught("show", "latest", cwd=here).code != 0:  # until it is written down
            time.sleep(0.1)

    done = improved(here, OS_EXIT, "--lm-calls", "3", "--json", before_go=started)
    assert (done.code, done.stdout) == (5, "")
    shown = json.loads(selftaught("show", "latest", "--json", cwd=here).stdout)
    assert shown["state"] == "killed"
    resumed = selftaught("resume", "latest", "--json", cwd=here)
    assert resumed.code == 0, resumed.stderr
    assert json.loads(resumed.stdout)["run_id"] == shown["run_id"]
    assert selftaught("verify", cwd=here).code == 0


def test_a_broken_utility_of_a_task_without_a_seed_ends_the_run_before_the_money(
    here: Path,
) -> None:
    texts = [f"```python\ndef algorithm(x):\n    return {number}\n```" for number in range(99)]
    (here / "texts.json").write_text(json.dumps(texts))
    utility = "def utility(program, rng):\n    wait()\n    return program(1) * undefined\n"
    model = ("--model", "scripted:texts.json", "--lm-calls", "50")
    done = improved(here, utility, *model, seed="None")
    assert done.code == 2
    said = done.stderr.splitlines()[-1]
    assert "its utility raised NameError: name 'undefined' is not defined" in said
    assert f"({here}/mine.py:12), on each of 12 different programs" in said
    usage = json.loads(selftaught("show", "latest", "--json", cwd=here).stdout)["usage"]
    assert usage["samples"] < 30


def test_text_that_is_none_to_anybody_else_ends_no_run(here: Path) -> None:
    utility = """\
def utility(program, rng):
    wait()
    if program(1) == 2:
        raise ValueError("\\ud800 raised")
    return st.Measure(0.5, feedback="\\udfff fed back", metrics={"\\udc80 metric": 1.0})
"""
    texts = [
        f"```python\ndef algorithm(x):\n    return {number}  # \ud800\n```" for number in (2, 3)
    ]
    (here / "texts.json").write_text(json.dumps(texts))
    done = improved(here, utility, "--model", "scripted:texts.json", "--lm-calls", "3", "--json")
    assert done.code == 0, done.stderr
    assert selftaught("verify", cwd=here).code == 0
    for again in ((), ("--rescore",)):
        replayed = selftaught("replay", "latest", *again, cwd=here)
        assert (replayed.code, "the same, event by event" in replayed.stdout) == (0, True)
    audit = json.loads(selftaught("audit", "rewards", "latest", "--json", cwd=here).stdout)
    (finding,) = audit["findings"]
    assert finding["evidence"].startswith("the utility raised ValueError: ? raised (mine.py:13)")

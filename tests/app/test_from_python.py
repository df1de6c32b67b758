"""What a script or a notebook gives and is told: a model of its own, progress, and how to go on."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selftaught as st
from selftaught.app import core_thread
from selftaught.app.compose import replay_run
from selftaught.app.progress import told_in_lines
from selftaught.app.resume import find_run
from selftaught.app.tally import Tally
from selftaught.core.errors import ConfigError, SelfTaughtError
from selftaught.core.progress import Progress
from selftaught.journal.events import LmAnswer
from selftaught.journal.reader import open_reader


def numbered(value: float) -> str:
    return f"def algorithm():\n    return {value}\n"


def worth(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
    return float(program())


TASK = st.Task("numbers", numbered(0.1), worth, range=(0.0, 1.0), description="a number")


def better(prompt: st.Prompt) -> list[str]:
    assert "def algorithm" in prompt.user
    return [f"```python\n{numbered(0.5 + index / 100)}```" for index in range(prompt.n)]


async def better_in_time(prompt: st.Prompt) -> list[str]:
    await asyncio.sleep(0.01)
    return better(prompt)


def improved(folder: Path, model: Any = better, **how: Any) -> st.ImproveResult:
    store = f"sqlite:///{folder}/store.db"
    return st.improve(
        TASK, model=model, store=store, instance_key="public", **{"budget": {"lm_calls": 2}, **how}
    )


# --- a model that is a function -------------------------------------------------------------------


@pytest.mark.parametrize("model", [better, better_in_time])
def test_a_function_is_a_model_that_is_journalled_by_its_name(model: Any, tmp_path: Path) -> None:
    result = improved(tmp_path, model)
    assert result.best_test.mean > 0.5
    assert result.data["model"] == f"callable:{model.__name__}"
    with open_reader(result.store) as reader:
        answers = [event.body for event in reader.events(result.run_id, [LmAnswer])]
    assert answers
    # The worst is counted, as of servers that report nothing.
    assert not any(isinstance(one, LmAnswer) and one.usage_reported for one in answers)
    stored = find_run(result.store, result.run_id, everything=True)
    replayed = core_thread.run(replay_run(stored, [TASK], rescore=False))
    assert (replayed["differences"], replayed["diverged"]) == ([], [])


def test_a_run_goes_on_when_the_same_function_is_given_again(tmp_path: Path) -> None:
    first = improved(tmp_path, budget={"lm_calls": 1})
    more: dict[str, Any] = {"resume": first.run_id, "budget": {"lm_calls": 3}}
    with pytest.raises(ConfigError, match="callable:better is a Python function: go on from Py"):
        improved(tmp_path, "local:mutator", **more)
    with pytest.raises(ConfigError, match="not callable:better_in_time"):
        improved(tmp_path, better_in_time, **more)
    assert improved(tmp_path, **more).run_id == first.run_id


def test_the_command_line_says_that_such_a_run_goes_on_in_python(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).parent / "selftaught"), "improve", "flow_shop"]
    done = subprocess.run(
        [*command, "--model", "callable:better"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "go on from Python, and give it again, st.improve(..., model=better" in done.stderr


def exits(prompt: st.Prompt) -> list[str]:
    raise SystemExit(3)


def raises(prompt: st.Prompt) -> list[str]:
    raise ValueError("no such deployment")


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (raises, r"callable:raises raised ValueError: no such deployment \(.*test_from_python.py"),
        (exits, "callable:exits raised RuntimeError: SystemExit: 3"),
        (lambda prompt: "one text", "must return a list of texts .* as many as prompt.n, not str"),
        (lambda prompt: [1, None], "not a list of NoneType, int"),
        (lambda prompt: [], "not an empty list"),
        (7, "model must be `provider:model` or a function of a Prompt, or several names, not 7"),
    ],
)
def test_what_a_function_does_wrong_is_said_in_its_words(
    model: Any, said: str, tmp_path: Path
) -> None:
    with pytest.raises(SelfTaughtError, match=said) as raised:
        improved(tmp_path, model)
    assert "\n" not in str(raised.value)


def test_a_budget_of_money_needs_the_prices_of_a_function(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the price of callable:better is not known"):
        improved(tmp_path, budget={"usd": 1.0})
    prices = {"price_in": 1.0, "price_out": 4.0}
    result = improved(tmp_path, provider=prices, budget={"usd": 1.0, "lm_calls": 1})
    assert 0 < result.data["usage"]["usd"] < 1


# --- progress -------------------------------------------------------------------------------------


def test_a_callback_is_told_of_each_event(tmp_path: Path) -> None:
    events: list[st.Progress] = []
    result = improved(tmp_path, on_event=events.append)
    kinds = [event.kind for event in events]
    assert (kinds[0], kinds[-1]) == ("run_started", "run_ended")
    assert events[0].facts["run_id"] == result.run_id
    assert kinds.count("model_asked") == kinds.count("model_answered") == 2
    assert kinds.count("candidate_scored") > 2


@pytest.mark.parametrize("kind", ["run_started", "model_answered", "candidate_scored", "run_ended"])
def test_a_callback_that_raises_ends_a_run_that_can_be_gone_on_with(
    kind: str, tmp_path: Path
) -> None:
    def listen(event: st.Progress) -> None:
        if event.kind == kind:
            raise KeyError(kind)

    said = rf"on_event raised KeyError: '{kind}' \(.*test_from_python.py:\d+\)"
    with pytest.raises(ConfigError, match=said):
        improved(tmp_path, on_event=listen)
    stored = find_run(f"sqlite:///{tmp_path}/store.db", "latest")
    if kind == "run_ended":
        assert stored.head.state in ("done", "budget")
    else:
        assert stored.head.state == "failed"
        assert improved(tmp_path, resume=stored.run_id).run_id == stored.run_id


def test_nothing_is_printed_where_there_is_no_terminal_and_little_to_wait_for(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run_id = improved(tmp_path).run_id
    assert capfd.readouterr() == ("", "")
    improved(tmp_path, progress=True, seed=1)
    told = capfd.readouterr()
    assert told.out == ""
    assert "started: improve numbers; model callable:better" in told.err
    assert run_id not in told.err


@pytest.fixture
def heartbeat() -> Callable[..., Tally]:
    tally = Tally()

    def hear(*events: Progress, wait_s: float = 0.35) -> Tally:
        with told_in_lines(tally, everything=False, heartbeat_s=0.1) as listener:
            for event in events:
                listener(event)
            time.sleep(wait_s)
        return tally

    return hear


def test_who_hears_nothing_is_told_what_is_waited_for(
    heartbeat: Callable[..., Tally], capsys: pytest.CaptureFixture[str]
) -> None:
    heartbeat()
    assert "starting the sandbox, checking the tasks" in capsys.readouterr().err
    spent = {"lm_calls": 2, "samples": 9, "tokens": 50, "usd": 0.0}
    asked = Progress("model_asked", {"samples": 6})
    heartbeat(Progress("run_started", {"run_id": "r1", "spent": spent}), asked, asked)
    lines = capsys.readouterr().err.splitlines()
    assert 1 < len(lines) < 5
    assert "waiting for the model for 0.1 s, 2 requests; so far 2 model calls, 0 cand" in lines[0]
    answered = Progress(
        "model_answered", {"lm_calls": 1, "samples": 2, "tokens_out": 5, "usd": 0.0}
    )
    failed = Progress("model_failed", {"lm_calls": 0, "samples": 0, "usd": 0.0})
    heartbeat(answered, failed)
    said = capsys.readouterr().err
    assert "running programs, nothing new for 0.1 s; so far 3 model calls (5 tokens, " in said


SCRIPT = """
import os, signal, sys, threading
import selftaught as st

def slow(prompt):
    threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT]).start()
    threading.Event().wait(60)

def utility(program, rng):
    return program()

task = st.Task("one", "def algorithm():\\n    return 0.5\\n", utility, (0, 1), description="d")
st.improve(task, model=slow, budget={"lm_calls": 1}, store=sys.argv[1])
"""


def test_ctrl_c_in_a_script_names_the_run_and_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    store = f"sqlite:///{tmp_path}/mine.db"
    done = subprocess.run(
        [sys.executable, "script.py", store],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode != 0
    with open_reader(store) as reader:
        (run_id,) = reader.runs()
    assert f"stopped: run {run_id} kept what was complete" in done.stderr
    assert f"go on with: st.improve(..., resume='{run_id}', store='{store}')" in done.stderr
    assert "Stopped: " in done.stderr.splitlines()[-1]


# --- utilities ------------------------------------------------------------------------------------


def test_a_call_in_an_async_utility_may_be_awaited_and_others_go_on_meanwhile() -> None:
    source = "import time\ndef algorithm(x):\n    time.sleep(0.05)\n    return x\n"
    ticks: list[float] = []

    async def utility(program: Any, rng: np.random.Generator) -> float:
        async def tick() -> None:
            while True:
                ticks.append(time.monotonic())
                await asyncio.sleep(0.005)

        ticking = asyncio.create_task(tick())

        async def asked(value: Any) -> Any:
            return await program(value, cpu_s=0.5)

        found = [await program(None), await program(True), *await asyncio.gather(*map(asked, "ab"))]
        assert found == [None, True, "a", "b"]
        ticking.cancel()
        array = program(np.arange(3))
        return float(array.sum()) + program(0.25)

    task = st.Task("waits", source, utility, range=(0.0, 9.0), description="d")
    scored = st.score(task, task.seed or "")
    assert isinstance(scored, st.Scored), scored
    assert scored.value == 3.25
    assert len(ticks) > 12  # 0.2 s of sleep in all


def test_a_failure_is_raised_where_the_call_is_awaited() -> None:
    async def utility(program: Any, rng: np.random.Generator) -> float:
        try:
            await program()
        except st.ProgramFailed as error:
            return float(error.failure.kind == "raised")
        return 0.0

    task = st.Task("fails", "def algorithm():\n    1 / 0\n", utility, (0, 1), description="d")
    scored = st.score(task, task.seed or "")
    assert isinstance(scored, st.Scored)
    assert scored.value == 1.0


HELD = 3


def helper(value: float) -> float:
    return value * HELD


def test_a_closure_needs_no_description_and_shows_no_more_than_sizes_of_what_it_holds() -> None:
    answers, scale = ["hidden label"] * 40, 0.5

    def utility(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
        """How many answers are right."""
        right = sum(program(index) == answer for index, answer in enumerate(answers))
        return helper(scale * right)

    task = st.Task("closure", "def algorithm(x):\n    return x\n", utility, (0, 100))
    shown = task.described()
    assert "hidden label" not in shown
    assert "answers = ...  # list of 40\nscale = 0.5\n" in shown
    assert "HELD = 3" in shown
    assert "def helper(value: float)" in shown
    assert "\ndef utility(" in shown
    assert '    """How many answers are right."""' in shown
    assert json.dumps(st.score(task, task.seed or "").value) == "0.0"


def test_a_lambda_still_needs_a_description() -> None:
    task = st.Task("short", "def algorithm():\n    return 1\n", lambda program, rng: 1.0)
    with pytest.raises(ConfigError, match=r"a lambda, .* give Task\(description=...\)"):
        task.described()

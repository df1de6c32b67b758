"""Resuming and replaying, as a user meets them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from installed import Finished, Started, environment, selftaught, started

import model_server as ms
import selftaught as st
from selftaught.core.errors import ConfigError

TASK = '''\
import selftaught as st


def utility(program, rng):
    """One half of what it says, at most one."""
    return min(1.0, program({factor}) / 2)


seed = "def algorithm(x):\\n    return x\\n"
task = st.Task(name="halves", seed=seed, utility=utility, range=(0, 1))
'''
SMALL = ("--search-runs", "1", "--val-runs", "2", "--test-runs", "2", "--iterations", "1")


def start(server: ms.ModelServer, cwd: Path, *arguments: str) -> Started:
    url = ("--model", "openai:m", "--base-url", server.base_url)
    return started(*arguments, *url, cwd=cwd, OPENAI_API_KEY="k")


def wait_for(is_true: Callable[[], bool], limit_s: float = 40.0) -> None:
    end_s = time.monotonic() + limit_s
    while not is_true():
        assert time.monotonic() < end_s, "it did not come to that"
        time.sleep(0.02)


def stuck(cwd: Path, *arguments: str) -> tuple[ms.ModelServer, Started]:
    """A run that waits for its second answer for ever, and its server."""
    server = ms.ModelServer(plan=lambda number, body: ms.never() if number else None)
    server.start()
    process = start(server, cwd, *arguments)
    wait_for(lambda: server.counts().requests >= 2)
    return server, process


@pytest.mark.parametrize(
    "signum", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_stopped_run_ends_soon_says_how_to_go_on_and_does(
    signum: signal.Signals, here: Path
) -> None:
    server, process = stuck(here, "run", "flow_shop", *SMALL, "--json")
    start_s = time.monotonic()
    process.send_signal(signum)
    _, stderr = process.communicate(timeout=20)
    took_s = time.monotonic() - start_s
    server.stop()
    last = stderr.splitlines()[-1]
    run_id = json.loads(selftaught("runs", "--json", cwd=here).stdout)["runs"][0]["run_id"]
    assert last.endswith(f"go on with: selftaught resume {run_id}")
    assert process.returncode == 128 + signum
    assert took_s < 8  # 2 s where nothing else runs
    with ms.ModelServer(port=int(server.base_url.split(":")[-1].partition("/")[0])):
        resumed = selftaught("resume", run_id, "--json", cwd=here, OPENAI_API_KEY="k")
    assert resumed.code == 0, resumed.stderr
    assert json.loads(resumed.stdout)["state"] == "done"
    assert "goes on: run flow_shop" in resumed.stderr
    assert selftaught("replay", run_id, cwd=here).code == 0
    assert selftaught("verify", cwd=here).code == 0


@pytest.mark.slow
def test_an_improve_run_goes_on_too(here: Path) -> None:
    server, process = stuck(here, "improve", "flow_shop", "--lm-calls", "3", "--json")
    process.kill()
    process.communicate()
    server.stop()
    with ms.ModelServer(port=int(server.base_url.split(":")[-1].partition("/")[0])) as again:
        resumed = selftaught("resume", "latest", "--json", cwd=here, OPENAI_API_KEY="k")
    assert resumed.code == 0, resumed.stderr
    usage = json.loads(resumed.stdout)["usage"]
    assert usage["lm_calls"] == 3
    assert usage["requests"] == server.counts().requests + again.counts().requests
    assert "1 request under way when it was cut" in resumed.stderr
    counts = json.loads(selftaught("show", "latest", "--json", cwd=here).stdout)["counts"]
    assert counts["requests"]["cut"] == 1
    assert counts["resumed"] == 1
    assert selftaught("replay", "latest", "--rescore", cwd=here).code == 0
    verified = selftaught("verify", cwd=here)
    assert verified.code == 0, verified.stdout


def test_a_run_in_progress_is_refused_to_others_and_read_by_anybody(here: Path) -> None:
    server, process = stuck(here, "run", "flow_shop", *SMALL, "--json")
    refused = selftaught("resume", "latest", cwd=here, OPENAI_API_KEY="k")
    shown = selftaught("show", "latest", "--json", cwd=here)
    process.kill()
    process.communicate()
    server.stop()
    assert refused.code == 2
    assert str(process.pid) in refused.stderr
    assert json.loads(shown.stdout)["state"] == "running"


def test_a_task_that_has_changed_is_refused_with_the_difference(here: Path) -> None:
    task = here / "halves.py"
    task.write_text(TASK.format(factor=1))
    server, process = stuck(here, "improve", "halves.py", "--lm-calls", "3", "--json")
    process.kill()
    process.communicate()
    server.stop()
    task.write_text(TASK.format(factor=2))
    refused = selftaught("resume", "latest", cwd=here, OPENAI_API_KEY="k")
    assert refused.code == 2
    assert "task halves has changed since run" in refused.stderr


HELPED = """\
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from helping import worth

import selftaught as st


def utility(program, rng):
    return worth(program(1))


seed = "def algorithm(x):\\n    return x\\n"
task = st.Task("helped", seed, utility, (0, 1), description="Return more.")
"""


@pytest.mark.slow
def test_a_described_task_whose_code_has_changed_is_refused_with_the_file(here: Path) -> None:
    task, helping = here / "helped.py", here / "helping.py"
    task.write_text(HELPED)
    helping.write_text("def worth(x):\n    return min(1.0, x / 9)\n")
    server, process = stuck(here, "improve", "helped.py", "--lm-calls", "3", "--json")
    process.kill()
    process.communicate()
    server.stop()
    for file, old, new, where in (
        # To another length, or within a second Python would take what it has compiled before.
        (task, "program(1)", "program(10)", f"utility in {task}:10"),
        (helping, "x / 9", "x / 9.5", f"helping.py in {helping}"),
    ):
        before = file.read_text()
        file.write_text(before.replace(old, new))
        for command in ("resume", "replay"):
            refused = selftaught(command, "latest", cwd=here, OPENAI_API_KEY="k")
            assert refused.code == 2
            assert f": {where}): its scores would not be comparable" in refused.stderr
            assert refused.stderr.count("\n") == 1
        file.write_text(before)
    with ms.ModelServer(port=int(server.base_url.split(":")[-1].partition("/")[0])):
        resumed = selftaught("resume", "latest", cwd=here, OPENAI_API_KEY="k")
    assert resumed.code == 0, resumed.stderr
    assert selftaught("replay", "latest", "--rescore", cwd=here).code == 0
    assert selftaught("verify", cwd=here).code == 0


def test_what_has_ended_has_nothing_to_resume(finished: Finished) -> None:
    for run in (finished.run_json, finished.improve_json):
        done = selftaught("resume", run["run_id"], cwd=finished.folder)
        assert done.code == 2
        assert "there is nothing to resume" in done.stderr


@pytest.mark.slow
def test_a_finished_run_replays_with_the_embedded_model_left_alone(finished: Finished) -> None:
    for run in (finished.run_json, finished.improve_json):
        for rescore in ((), ("--rescore",)):
            done = selftaught("replay", run["run_id"], *rescore, "--json", cwd=finished.folder)
            assert done.code == 0, done.stdout
            found = json.loads(done.stdout)
            assert (found["differences"], found["diverged"]) == ([], [])
            assert found["events"]["invocation_end"] > 0


# --- a budget that is raised --------------------------------------------------------------------

CONSTANT = ("run", "flow_shop", *SMALL, "--instance-key", "public", "--json")


def test_a_run_that_its_budget_ended_goes_on_with_a_larger_one_as_if_it_had_always_had_it(
    here: Path,
) -> None:
    whole = json.loads(selftaught(*CONSTANT, cwd=here).stdout)
    cut = json.loads(selftaught(*CONSTANT, "--lm-calls", "5", cwd=here).stdout)
    run_id = cut["run_id"]
    assert (cut["state"], cut["comparison"]["seed_restarted"]) == ("budget", None)
    for options, said in (
        ((), "has ended (budget): there is nothing to resume, unless with a larger budget"),
        (("--lm-calls", "5"), "has ended (budget): there is nothing to resume"),
        (("--samples", "1000"), "has ended (budget): there is nothing to resume"),
        (("--lm-calls", "1"), f"has spent {cut['usage']['lm_calls']} lm_calls already"),
    ):
        refused = selftaught("resume", run_id, *options, cwd=here)
        assert refused.code == 2
        assert said in refused.stderr
        assert refused.stderr.count("\n") == 1
    raised = selftaught("resume", run_id, "--lm-calls", "500", "--json", cwd=here)
    assert raised.code == 0, raised.stderr
    result = json.loads(raised.stdout)
    for part in ("iterations", "comparison", "state"):
        assert result[part] == whole[part]
    shown = json.loads(selftaught("show", run_id, "--json", cwd=here).stdout)
    assert shown["config"]["budget"]["lm_calls"] == 500
    assert (shown["state"], shown["phase"]) == ("done", "comparison")
    assert selftaught("replay", run_id, "--rescore", cwd=here).code == 0
    assert selftaught("verify", cwd=here).code == 0
    done = selftaught("resume", run_id, "--lm-calls", "1000", cwd=here)
    assert done.code == 2
    assert "has ended (done): there is nothing to resume; see" in done.stderr


@pytest.mark.slow
def test_a_series_and_an_improve_run_go_on_with_a_larger_budget_from_python(here: Path) -> None:
    store = f"sqlite:///{here}/selftaught.db"
    runs = {"search": 1, "val": 2, "test": 2}
    few = {"iterations": 1, "runs": runs, "repeats": 2, "baselines": False, "store": store}
    cut = st.self_improve(["flow_shop"], budget=st.Budget(lm_calls=6), **few)
    assert cut.state == "budget"
    raised = st.self_improve(
        ["flow_shop"], resume=cut.data["series_id"], budget=st.Budget(lm_calls=500), store=store
    )
    whole = st.self_improve(["flow_shop"], **few)
    assert raised.state == whole.state == "done"
    for one, other in zip(raised.data["runs"], whole.data["runs"], strict=True):
        assert one["comparison"] == other["comparison"]
    first = st.improve("flow_shop", budget=st.Budget(lm_calls=2), store=store)
    again = {"resume": first.run_id, "store": store}
    with pytest.raises(ConfigError, match="nothing to resume"):
        st.improve("flow_shop", budget=st.Budget(lm_calls=2), **again)
    more = st.improve("flow_shop", budget=st.Budget(lm_calls=4), **again)
    assert more.data["usage"]["lm_calls"] == 4
    at_once = st.improve("flow_shop", budget=st.Budget(lm_calls=4), store=store)
    assert more.data["best"] == at_once.data["best"]
    assert selftaught("verify", cwd=here).code == 0


# --- from Python --------------------------------------------------------------------------------

CLOSURE = """\
import sys
import selftaught as st

offset = 3

def make(hidden):
    def utility(program, rng):
        return min(1.0, program(1) / hidden)
    return utility

seed = "def algorithm(x):\\n    return x\\n"
task = st.Task("hidden", seed, make(4), (0.0, 1.0), description="more")
resume = sys.argv[2] if len(sys.argv) > 2 else None
result = st.improve(
    task,
    model="openai:m",
    provider={"base_url": sys.argv[1]},
    budget=st.Budget(lm_calls=3),
    resume=resume,
)
print(result.state)
"""


@pytest.mark.slow
def test_a_task_that_is_a_closure_is_resumed_from_python_and_nowhere_else(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "improve.py").write_text(CLOSURE)

    def script(url: str, *more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "improve.py", url, *more],
            cwd=here,
            env=environment(OPENAI_API_KEY="k"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    with ms.ModelServer(plan=lambda number, body: ms.never() if number else None) as server:
        process = script(server.base_url)
        wait_for(lambda: server.counts().requests >= 2)
        process.kill()
        process.communicate()
    run_id = json.loads(selftaught("runs", "--json", cwd=here).stdout)["runs"][0]["run_id"]
    refused = selftaught("resume", run_id, cwd=here, OPENAI_API_KEY="k")
    assert refused.code == 2
    assert f"resume it there: st.improve(..., resume='{run_id}')" in refused.stderr
    other = st.Task(
        "other", "def algorithm(x):\n    return x\n", lambda p, r: 0.5, (0, 1), description=""
    )
    with pytest.raises(ConfigError, match="is of the tasks hidden, not other"):
        st.improve(other, resume=run_id, store=f"sqlite:///{here}/selftaught.db")
    port = int(server.base_url.split(":")[-1].partition("/")[0])
    with ms.ModelServer(port=port):
        process = script(server.base_url, run_id)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert stdout.strip() in ("budget", "done")

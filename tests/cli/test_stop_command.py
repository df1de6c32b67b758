"""`selftaught stop`: a run that another process holds ends in order, from another terminal."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from installed import Done, environment, selftaught
from test_going_on import SMALL, start, stuck, wait_for

import model_server as ms
from selftaught.journal.run_lock import hold_run


def goes_on(server: ms.ModelServer, here: Path, run: str) -> Done:
    """The run resumed, with a server at the same place that answers."""
    with ms.ModelServer(port=int(server.base_url.split(":")[-1].partition("/")[0])):
        return selftaught("resume", run, "--json", cwd=here, OPENAI_API_KEY="k")


def test_a_run_is_stopped_from_another_terminal_keeps_what_it_has_and_goes_on(here: Path) -> None:
    server, process = stuck(here, "run", "flow_shop", *SMALL, "--json")
    (run,) = json.loads(selftaught("runs", "--json", cwd=here).stdout)["runs"]
    assert run["state"] == "running"
    stopped = selftaught("stop", "latest", "--json", cwd=here)
    _, stderr = process.communicate(timeout=20)
    server.stop()
    assert stopped.code == 0, stopped.stderr
    assert f"stopping run {run['run_id']}, in process {process.pid} (" in stopped.stderr
    said = json.loads(stopped.stdout)
    assert said["resume"] == f"selftaught resume {run['run_id']}"
    assert (said["run_id"], said["state"], said["iterations"]) == (run["run_id"], "interrupted", 0)
    assert said["usage"]["requests"] >= 2
    assert process.returncode == 128 + signal.SIGTERM
    assert "kept what was complete" in stderr
    again = selftaught("stop", run["run_id"], cwd=here)
    assert (again.code, again.stdout) == (2, "")
    assert again.stderr == (
        f"selftaught: error: run {run['run_id']} is not running (interrupted): there is nothing to "
        f"stop; see selftaught show {run['run_id']}\n"
    )
    resumed = goes_on(server, here, run["run_id"])
    assert json.loads(resumed.stdout)["state"] == "done"
    ended = selftaught("stop", run["run_id"], cwd=here)
    assert "is not running (done)" in ended.stderr
    assert selftaught("verify", cwd=here).code == 0


@pytest.mark.slow
def test_a_series_is_stopped_by_any_of_its_runs(here: Path) -> None:
    first = 5  # requests of the first run, and one more of the second
    server = ms.ModelServer(plan=lambda number, body: ms.never() if number > first + 1 else None)
    server.start()
    process = start(
        *(server, here, "run", "flow_shop", *SMALL, "--repeats", "2", "--no-baselines"),
        *("--lm-calls", "100", "--json"),
    )

    def states() -> list[str]:
        shown = selftaught("runs", "--json", cwd=here)
        return [run["state"] for run in json.loads(shown.stdout)["runs"]] if not shown.code else []

    wait_for(lambda: server.counts().under_way > 0 and states() != [])
    runs = json.loads(selftaught("runs", "--json", cwd=here).stdout)["runs"]
    stopped = selftaught("stop", runs[-1]["series"]["id"], cwd=here)
    process.communicate(timeout=20)
    server.stop()
    assert stopped.code == 0, stopped.stderr
    assert f"run {runs[0]['run_id']}: interrupted" in stopped.stdout
    assert f"selftaught resume {runs[0]['run_id']}" in stopped.stdout
    assert states()[0] == "interrupted"
    assert goes_on(server, here, runs[0]["run_id"]).code == 0
    assert states() == ["done", "done"]


SCRIPT = """\
import sys
import selftaught as st

try:
    st.improve(
        "flow_shop",
        model="openai:m",
        provider={"base_url": sys.argv[1]},
        budget=st.Budget(lm_calls=3),
    )
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.slow
def test_a_run_of_a_script_is_stopped_as_by_ctrl_c(here: Path) -> None:
    (here / "improving.py").write_text(SCRIPT)
    with ms.ModelServer(plan=lambda number, body: ms.never() if number else None) as server:
        process = subprocess.Popen(
            [sys.executable, "improving.py", server.base_url],
            cwd=here,
            env=environment(OPENAI_API_KEY="k"),
            stdout=subprocess.PIPE,
            text=True,
        )
        wait_for(lambda: server.counts().requests >= 2)
        stopped = selftaught("stop", "latest", cwd=here)
        stdout, _ = process.communicate(timeout=20)
    assert stopped.code == 0, stopped.stderr
    assert (process.returncode, stdout) == (0, "interrupted\n")
    assert "interrupted" in stopped.stdout


DEAF = """\
import signal, sys
from selftaught.journal.run_lock import hold_run

signal.signal(signal.SIGTERM, signal.SIG_IGN)
with hold_run(sys.argv[1], sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_process_that_does_not_end_is_told_with_its_number(here: Path) -> None:
    run_id = killed_run(here)
    process = subprocess.Popen(
        [sys.executable, "-c", DEAF, "sqlite:///selftaught.db", run_id],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    stopped = selftaught("stop", run_id, "--wait-s", "0.2", cwd=here)
    process.communicate()
    assert stopped.code == 1
    assert "has not ended after 0.2 s" in stopped.stderr
    assert f"kill process {process.pid}" in stopped.stderr


def test_nobody_is_stopped_for_a_number_that_another_process_has_left_behind(here: Path) -> None:
    run_id = killed_run(here)
    with subprocess.Popen(["sleep", "60"]) as bystander:
        with hold_run("sqlite:///selftaught.db", run_id):
            lock = here / f"selftaught.db.{run_id}.lock"
            said = json.loads(lock.read_text())
            for change in ({"pid": bystander.pid}, {"host": "elsewhere"}):
                lock.write_text(json.dumps(said | change))
                refused = selftaught("stop", run_id, cwd=here)
                assert refused.code == 2
                assert "stop it where it was started" in refused.stderr
                assert refused.stderr.count("\n") == 1
        time.sleep(0.1)
        assert bystander.poll() is None
        bystander.kill()


def killed_run(here: Path) -> str:
    """A run that has a beginning and no end."""
    server, process = stuck(here, "improve", "flow_shop", "--lm-calls", "3")
    process.kill()
    process.communicate()
    server.stop()
    (run,) = json.loads(selftaught("runs", "--json", cwd=here).stdout)["runs"]
    assert run["state"] == "killed"
    return str(run["run_id"])

"""A run that was stopped or killed has its best so far, which can be measured without the model."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from installed import Finished, environment, selftaught
from test_going_on import SMALL, start, stuck, wait_for

import model_server as ms
from selftaught.analysis.recorded_run import RecordedRun, recorded
from selftaught.analysis.run_head import told_head
from selftaught.core.errors import ConfigError
from selftaught.journal.reader import JournalReader, open_reader
from selftaught.studies.registry import find_study, own_kinds
from selftaught.studies.results import result_of


def one(command: str, *arguments: str, cwd: Path) -> dict[str, Any]:
    """The object that a command prints."""
    done = selftaught(command, *arguments, "--json", cwd=cwd, OPENAI_API_KEY="k")
    assert done.code == 0, done.stderr
    return dict(json.loads(done.stdout))


def read(reader: JournalReader, run_id: str, most: int) -> RecordedRun:
    """A run as it would stand if it had been killed after so many of its events."""
    events = recorded(reader, run_id, own_kinds()).events[:most]
    return RecordedRun(told_head(run_id, events), events, reader.text)


def test_whatever_instant_a_run_is_killed_at_its_best_so_far_follows_from_its_events(
    finished: Finished,
) -> None:
    with open_reader(f"sqlite:///{finished.folder}/selftaught.db") as reader:
        for said in (finished.run_json, finished.improve_json):
            run_id = said["run_id"]
            run = recorded(reader, run_id, own_kinds())
            results = [
                result_of(find_study(run.head.command), read(reader, run_id, most))
                for most in range(1, len(run.events) + 1)
            ]
            known = [result for result in results if result is not None]
            # Once there is something, there is something from then on.
            assert results[-len(known) :] == known
            assert {result["state"] for result in known[:-1]} == {"stopped"}
            assert known[-1] == {**said, "usage": known[-1]["usage"], "wall_s": known[-1]["wall_s"]}
    values = [result["best"]["search"] for result in known if not result["finalists"]]
    assert values == sorted(values)
    assert known[0]["best"]["val"] is None


def test_a_killed_search_shows_its_best_and_is_finished_without_the_model(here: Path) -> None:
    server, process = stuck(here, "improve", "flow_shop", "--lm-calls", "3")
    process.kill()
    process.communicate()
    server.stop()
    shown = one("show", "latest", cwd=here)
    best = shown["result"]["best"]
    assert (shown["state"], shown["result"]["state"]) == ("killed", "stopped")
    assert (best["val"], best["test"]) == (None, None)
    assert best["search"] >= shown["result"]["seed"]["search"]
    assert shown["best"]["program_id"] == best["program_id"]
    (listed,) = one("runs", cwd=here)["runs"]
    assert (listed["best_value"], listed["best_search"]) == (None, best["search"])
    assert "(search)" in selftaught("runs", cwd=here).stdout
    page = selftaught("show", "latest", cwd=here).stdout
    assert "as far as it is measured" in page
    assert best["program_id"] in page
    report = one("report", "latest", "--format", "md", "--out", "report", cwd=here)
    assert best["program_id"] in (here / "report" / report["page"]).read_text()
    finished = one("resume", "latest", "--finish", "--out", "best.py", cwd=here)
    assert (here / "best.py").read_text() == finished["best"]["source"]
    assert selftaught("resume", "latest", "--finish", "--out", "best.py", cwd=here).code == 2
    assert finished["state"] == "stopped"
    assert finished["best"]["test"]["n"] == finished["seed"]["val"]["n"] == 5
    assert finished["usage"]["requests"] == server.counts().requests
    assert one("runs", cwd=here)["runs"][0]["state"] == "stopped"
    assert one("show", "latest", cwd=here)["result"]["best"] == finished["best"]
    assert selftaught("replay", "latest", cwd=here).code == 0
    assert selftaught("verify", cwd=here).code == 0
    with ms.ModelServer(port=int(server.base_url.split(":")[-1].partition("/")[0])):
        gone_on = one("resume", "latest", cwd=here)
    assert (gone_on["state"], gone_on["usage"]["lm_calls"]) == ("budget", 3)
    assert selftaught("replay", "latest", cwd=here).code == 0
    assert selftaught("verify", cwd=here).code == 0


def test_ctrl_c_prints_the_best_so_far_and_writes_it(here: Path) -> None:
    server, process = stuck(
        here, "improve", "flow_shop", "--lm-calls", "3", "--json", "--out", "best.py"
    )
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)
    server.stop()
    said = json.loads(stdout)
    assert process.returncode == 130
    assert said["state"] == "stopped"
    assert (here / "best.py").read_text() == said["best"]["source"]
    assert f"go on with: selftaught resume {said['run_id']}" in stderr


@pytest.mark.slow
def test_a_stopped_stop_run_tells_the_improver_that_stands(here: Path) -> None:
    measured = 5  # requests up to t = 0
    server = ms.ModelServer(plan=lambda number, body: ms.never() if number > measured else None)
    server.start()
    process = start(server, here, "run", "flow_shop", *SMALL, "--json")
    wait_for(lambda: server.counts().requests > measured + 1)
    stopped = one("stop", "latest", cwd=here)
    stdout, _ = process.communicate(timeout=20)
    server.stop()
    said = json.loads(stdout)
    assert stopped["result"] == said
    assert (said["state"], len(said["iterations"])) == ("stopped", 1)
    assert said["final_improver_id"] == said["iterations"][0]["improver_id"]
    refused = selftaught("resume", "latest", "--finish", cwd=here)
    assert refused.code == 2
    assert "go on without --finish" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_what_cannot_be_finished_is_told_in_one_line(finished: Finished, here: Path) -> None:
    store = ("--store", f"sqlite:///{finished.folder}/selftaught.db")
    run_id = finished.run_json["run_id"]
    for arguments, said in (
        ((run_id, "--finish"), "has ended (done), all measured"),
        ((finished.improve_json["run_id"], "--finish", "--usd", "3"), "leave out the budget"),
    ):
        refused = selftaught("resume", *arguments, *store, cwd=here)
        assert (refused.code, refused.stderr.count("\n")) == (2, 1)
        assert said in refused.stderr


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
except st.Stopped as stopped:
    assert isinstance(stopped, KeyboardInterrupt)
    assert stopped.result.run_id == stopped.run_id
    assert f"go on with: st.improve(..., resume='{stopped.run_id}')" in str(stopped)
    finished = st.improve("flow_shop", resume=stopped.run_id, finish=True)
    assert finished.best_test.n == 5
    print(stopped.result.state, stopped.result.best_test, finished.state)
"""


def test_ctrl_c_in_a_script_carries_the_run_and_its_best_so_far(here: Path) -> None:
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
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=40)
    assert (process.returncode, stdout) == (0, "stopped None stopped\n")


def test_finish_in_python_needs_a_run() -> None:
    import selftaught as st

    with pytest.raises(ConfigError, match="goes with resume="):
        st.improve("flow_shop", finish=True)

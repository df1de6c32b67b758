"""`selftaught bench`, as a user meets it."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from installed import selftaught, started
from test_going_on import wait_for

SMALL = ("--samples", "4,8", "--seeds", "3", "--samples-per-call", "2", "--instance-key", "public")
MINE = '''\
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    """Asks once, and takes the last."""
    replies = language_model.prompt("", "Improve:\\n" + initial_solution, n_responses=2)
    return [code for code in extract_code(replies) if code and utility(code) is not None][-1]
'''


def arms(folder: Path) -> int:
    """How many are measured; none while there is no store yet."""
    try:
        with sqlite3.connect(f"file:{folder}/selftaught.db?mode=ro", uri=True) as database:
            found = database.execute("SELECT count(*) FROM events WHERE kind = 'bench_arm'")
            return int(found.fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def test_a_bench_that_was_cut_goes_on_to_the_same_end_and_draws_nothing_twice(here: Path) -> None:
    typed = ("bench", "flow_shop", "--improvers", "seed,mine.py", *SMALL, "--json")
    for folder in ("whole", "killed"):
        (here / folder).mkdir()
        (here / folder / "mine.py").write_text(MINE)
    whole = json.loads(selftaught(*typed, cwd=here / "whole").stdout)
    calls = whole["usage"]["lm_calls"]
    process = started(*typed, cwd=here / "killed")
    wait_for(lambda: arms(here / "killed") >= 2)
    process.kill()
    process.communicate(timeout=20)
    (here / "killed" / "mine.py").unlink()  # the journal holds the program
    resumed = selftaught("resume", "latest", "--json", cwd=here / "killed")
    assert resumed.code == 0, resumed.stderr
    result = json.loads(resumed.stdout)
    (here / "short").mkdir()
    (here / "short" / "mine.py").write_text(MINE)
    short = selftaught(*typed, "--lm-calls", str(calls - 1), cwd=here / "short")
    assert json.loads(short.stdout)["state"] == "budget"
    raised = ("resume", "latest", "--lm-calls", str(2 * calls), "--json")
    longer = json.loads(selftaught(*raised, cwd=here / "short").stdout)
    for name in ("tasks", "comparisons", "improvers", "seeds"):
        assert result[name] == longer[name] == whole[name]
    with sqlite3.connect(here / "killed" / "selftaught.db") as database:
        answers = database.execute("SELECT body FROM events WHERE kind = 'lm_answer'").fetchall()
    answered = [json.loads(body) for (body,) in answers]
    assert sum(len(one["texts"]) for one in answered) == whole["usage"]["samples"] == 2 * 3 * 8
    for folder in ("killed", "short"):
        assert selftaught("verify", cwd=here / folder).code == 0
    assert selftaught("replay", "latest", cwd=here / "killed").code == 0


RACED = """\
import selftaught as st


def instances(rng):
    return [float(x) for x in rng.uniform(1, 9, 16)]


def score(program, x):
    return min(1.0, max(0.0, 1 - abs(program(x) - 2 * x - 1) / 30))


seed = "def algorithm(x):\\n    a = 0.5\\n    b = 0.25\\n    return x * a + b\\n"
task = st.Task("line", seed, st.per_instance(instances, score), range=(0.0, 1.0))
"""


def test_a_bench_with_races_that_was_killed_goes_on_to_the_same_end_with_other_slots(
    here: Path,
) -> None:
    samples = ("--samples", "24", "--seeds", "2", "--instance-key", "public")
    typed = ("bench", "line.py", "--improvers", "seed,evolve", *samples, "--json")
    for folder in ("whole", "killed"):
        (here / folder).mkdir()
        (here / folder / "line.py").write_text(RACED)
    whole = json.loads(selftaught(*typed, cwd=here / "whole").stdout)
    process = started(*typed, "--slots", "1", cwd=here / "killed")
    wait_for(lambda: arms(here / "killed") >= 2)
    process.kill()
    process.communicate(timeout=20)
    result = json.loads(selftaught("resume", "latest", "--json", cwd=here / "killed").stdout)
    for name in ("tasks", "comparisons", "improvers", "seeds"):
        assert result[name] == whole[name]
    uses = {one["improver"]: one["scorings"] for one in result["tasks"][0]["improvers"]}
    assert uses["evolve"] < uses["seed"]
    assert selftaught("verify", cwd=here / "killed").code == 0
    replayed = selftaught("replay", "latest", "--rescore", cwd=here / "killed")
    assert replayed.code == 0, replayed.stdout


@pytest.fixture(scope="module")
def raced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a bench with races."""
    folder = tmp_path_factory.mktemp("raced")
    (folder / "line.py").write_text(RACED)
    samples = ("--samples", "24", "--seeds", "2", "--instance-key", "public")
    typed = ("bench", "line.py", "--improvers", "seed,evolve", *samples)
    assert selftaught(*typed, cwd=folder).code == 0
    return folder / "selftaught.db"


@pytest.mark.parametrize(
    ("kind", "what", "said"),
    [
        ("raced", "'$.value', 0.125", "and by its instances"),
        ("raced", "'$.value', json('null')", "and its value is None"),
        ("raced", "'$.done', 3", "and has 2 instances"),
        ("evaluation", "'$.per_instance', json('[]')", "and has 0 instances"),
    ],
)
def test_verify_finds_what_was_changed_of_a_race(
    raced: Path, kind: str, what: str, said: str, tmp_path: Path
) -> None:
    store = Path(shutil.copy(raced, tmp_path / "selftaught.db"))
    stopped = "AND json_extract(body, '$.value') IS NOT NULL" if kind == "raced" else ""
    with closing(sqlite3.connect(store)) as database, database:
        database.execute(
            f"UPDATE events SET body = json_set(body, {what}) WHERE kind = ? {stopped}", (kind,)
        )
    found = selftaught("verify", cwd=tmp_path)
    assert (found.code, said in found.stdout) == (1, True), found.stdout


def test_an_improver_may_be_a_run_and_the_report_has_the_curves(folder: Path) -> None:
    (folder / "selftaught.db").chmod(0o644)
    runs = json.loads(selftaught("runs", "--json", cwd=folder).stdout)["runs"]
    run_id = next(one["run_id"] for one in runs if one["kind"] == "run")
    typed = ("bench", "flow_shop", "local_cut", "--improvers", f"greedy,{run_id}", *SMALL)
    done = selftaught(*typed, cwd=folder)
    assert done.code == 0, done.stderr
    assert re.search(rf"^all tasks +{run_id} ", done.stdout, re.MULTILINE)
    assert "Area, improver - greedy, over 3 seeds" in done.stdout
    written = selftaught("report", "latest", "--out", "report", cwd=folder)
    assert written.code == 0, written.stderr
    names = {path.name for path in (folder / "report").iterdir()}
    assert {"bench.csv", "bench-differences.csv", "bench.svg", "config.toml"} <= names
    again = ("bench", "--config", "report/config.toml", "--json")
    once_more = json.loads(selftaught(*again, cwd=folder).stdout)
    shown = json.loads(selftaught("show", "latest", "--json", cwd=folder).stdout)
    assert once_more["improvers"][1]["name"] == run_id
    assert shown["command"] == "bench"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("--improvers", "greedy,no_such_thing"), "unknown improver 'no_such_thing'"),
        (("--improvers", "greedy"), "improvers"),
        (("--improvers", "seed,greedy,seed"), "improver seed is named twice"),
        (("--improvers", "greedy,broken.py"), "improver broken.py does not load: syntax"),
        (("--samples", "0,10"), "samples must be above 0, not 0"),
        (("--samples", "ten"), "samples"),
        (("--samples", "12,6"), "samples must rise, not 12,6"),
        (("--samples", "6,6"), "samples must rise, not 6,6"),
        (("--config", "calls.toml"), "limits.calls of a bench is 200, not 4: leave it out"),
        (("--seeds", "1"), "seeds"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    typed: tuple[str, ...], said: str, here: Path
) -> None:
    (here / "broken.py").write_text("def improve_algorithm(:\n")
    (here / "calls.toml").write_text("[limits]\ncalls = 4\n")
    done = selftaught("bench", "flow_shop", *typed, cwd=here)
    assert done.code == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3  # click's own have a line of usage
    assert not (here / "selftaught.db").exists()

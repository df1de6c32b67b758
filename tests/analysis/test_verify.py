"""`selftaught verify`: real runs agree with themselves, and each kind of damage is found."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from selftaught.analysis.recorded_run import recorded
from selftaught.cli.main import selftaught
from selftaught.journal.codec import Event
from selftaught.journal.reader import open_reader
from selftaught.studies.registry import studies
from selftaught.studies.verify import Finding, Verification, verify_store

COMMAND = str(Path(sys.executable).parent / "selftaught")
SMALL = ("--calls", "1", "--samples-per-call", "3", "--utility-uses", "4", "--json")
RUNS = ("--iterations", "1", "--search-runs", "1", "--val-runs", "2", "--test-runs", "2")

Body = dict[str, Any]


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(path, isolation_level=None)
    try:
        yield database
    finally:
        database.close()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a STOP run whose proposal was taken, and of an improve run."""
    folder = tmp_path_factory.mktemp("original")
    run = ("run", "flow_shop", "descent", "--accept", "paper", *RUNS, *SMALL)
    improve = ("improve", "flow_shop", "--patience", "4", *SMALL)
    for arguments in (run, improve):
        subprocess.run([COMMAND, *arguments], cwd=folder, check=True, capture_output=True)
    return folder / "selftaught.db"


@pytest.fixture
def store(original: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copy(original, tmp_path / "store.db"))


def verified(path: Path, run_id: str | None = None) -> Verification:
    with open_reader(f"sqlite:///{path}") as reader:
        return verify_store(reader, studies(), run_id)


def run_ids(path: Path) -> list[str]:
    """Of the STOP run and of the improve run."""
    with open_reader(f"sqlite:///{path}") as reader:
        return list(reversed(reader.runs()))


def test_runs_as_they_were_written_agree_with_themselves(original: Path) -> None:
    found = verified(original)
    assert found.findings == ()
    assert [run.run_id for run in found.runs] == run_ids(original)
    assert all(run.events > 50 for run in found.runs)
    with opened(original) as database:
        assert found.texts == database.execute("SELECT count(*) FROM texts").fetchone()[0]


def test_a_run_that_was_cut_anywhere_agrees_with_itself_as_far_as_it_came(store: Path) -> None:
    with opened(store) as database:
        last = database.execute("SELECT max(seq) FROM events").fetchone()[0]
        for seq in range(last, 0, -5):
            database.execute("DELETE FROM events WHERE seq > ?", (seq,))
            database.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'events'", (seq,))
            assert verified(store).findings == ()


# --- damage -------------------------------------------------------------------------------------

Damage = Callable[[sqlite3.Connection], None]


def everything(body: Body) -> bool:
    return True


def changed(
    kind: str, change: Callable[[Body], Any], where: Callable[[Body], bool] = everything
) -> Damage:
    """Change the body of the first event of a kind that is like this."""

    def damage(database: sqlite3.Connection) -> None:
        query = "SELECT seq, body FROM events WHERE kind = ? ORDER BY seq"
        for seq, text in database.execute(query, (kind,)).fetchall():
            body = json.loads(text)
            if where(body):
                change(body)
                new = (json.dumps(body), seq)
                database.execute("UPDATE events SET body = ? WHERE seq = ?", new)
                return
        raise AssertionError(f"no such {kind}")

    return damage


def put(name: str, value: Any) -> Callable[[Body], None]:
    """Set a field; `a.b.c` is in objects and lists."""

    def change(body: Any) -> None:
        *path, last = [int(part) if part.isdecimal() else part for part in name.split(".")]
        for part in path:
            body = body[part]
        assert body[last] != value
        body[last] = value

    return change


def done(statement: str) -> Damage:
    def damage(database: sqlite3.Connection) -> None:
        assert database.execute(statement).rowcount == 1

    return damage


def first(kind: str) -> str:
    return f"seq = (SELECT min(seq) FROM events WHERE kind = '{kind}')"


def once_more_but_different(database: sqlite3.Connection) -> None:
    kind = "evaluation"
    columns = "run_id, kind, key, at, body"
    database.execute(
        f"INSERT INTO events ({columns}) SELECT {columns} FROM events WHERE {first(kind)}"
    )
    seq = database.execute("SELECT max(seq) FROM events").fetchone()[0]
    body = json.loads(database.execute(f"SELECT body FROM events WHERE seq={seq}").fetchone()[0])
    body["per_instance"] = [0.125]
    database.execute("UPDATE events SET body = ? WHERE seq = ?", (json.dumps(body), seq))


def another_program(database: sqlite3.Connection) -> None:
    query = "SELECT DISTINCT json_extract(body, '$.program') FROM events WHERE kind = 'evaluation'"
    *_, other = [row[0] for row in database.execute(query)]
    changed("evaluation", put("program", other))(database)


def an_index_that_misses_rows(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA writable_schema = 1")
    database.execute(
        "UPDATE sqlite_schema SET sql = replace(sql, 'run_id, kind', 'key, kind') "
        "WHERE name = 'events_by_run'"
    )
    database.execute("PRAGMA writable_schema = 0")


def a_changed_best_source(body: Body) -> None:
    body["best"]["source"] += "\n"


def lower(name: str) -> Callable[[Body], None]:
    def change(body: Any) -> None:
        *path, last = [int(part) if part.isdecimal() else part for part in name.split(".")]
        for part in path:
            body = body[part]
        body[last] -= 0.001

    return change


def measured(body: Body) -> bool:
    return body["val_difference"] is not None


def stop(body: Body) -> bool:
    return "comparison" in body


def improved(body: Body) -> bool:
    return "best" in body


A_TEXT = "id = (SELECT json_extract(body, '$.user') FROM events WHERE kind = 'lm_call' LIMIT 1)"

DAMAGES: dict[str, tuple[Damage, str]] = {
    "a text changed": (
        done(f"UPDATE texts SET text = CAST('x' AS BLOB) WHERE {A_TEXT}"),
        r"text \w{32} is not what its id says",
    ),
    "a text made no text": (
        done(f"UPDATE texts SET text = X'ff00' WHERE {A_TEXT}"),
        r"text \w{32} is not what its id says",
    ),
    "a text changed in its type too": (
        done(f"UPDATE texts SET text = 'x' WHERE {A_TEXT}"),
        r"text \w{32} is not what its id says",
    ),
    "a text removed": (done(f"DELETE FROM texts WHERE {A_TEXT}"), "does not hold text"),
    "a name that is no id": (
        changed("lm_call", put("user", "0" * 20)),
        "'0{20}', which is no content id",
    ),
    "an event removed": (done("DELETE FROM events WHERE seq = 9"), "^event 9 is missing"),
    "the last event removed": (
        done("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)"),
        r"^event \d+ is missing",
    ),
    "the start removed": (
        done(f"DELETE FROM events WHERE {first('run')}"),
        "does not begin with the event of its start",
    ),
    "an index damaged": (an_index_that_misses_rows, "the database is damaged: .*events_by_run"),
    "a body that is no JSON": (
        done(f"UPDATE events SET body = substr(body, 2) WHERE {first('evaluation')}"),
        "the body of this evaluation is no JSON",
    ),
    "a body that is no object": (
        done(f"UPDATE events SET body = '[]' WHERE {first('run_end')}"),
        "the body of this run_end is no object",
    ),
    "a field removed": (
        changed("lm_answer", lambda body: body.pop("texts")),
        "this lm_answer is not of its form: Object missing required field `texts`",
    ),
    "a field of another type": (
        changed("lm_call", put("n", "six")),
        r"this lm_call is not of its form: Expected `int`, got `str` - at `\$\.n`",
    ),
    "a usage of another form": (
        changed("run_end", lambda body: body["usage"].pop("usd")),
        "this run_end is not of its form: Expected `Usage of lm_calls, .*, got lm_calls, ",
    ),
    "values of another form": (
        changed("meta_evaluation", put("values", {"flow_shop": [[]]})),
        r"this meta_evaluation is not of its form: Expected `int \| float`, got `array`",
    ),
    "a request removed": (done(f"DELETE FROM events WHERE {first('lm_call')}"), "never asked"),
    "a request of nobody": (
        changed("lm_call", put("invocation", "0" * 20)),
        "it is of improver run 0{20}, which never began",
    ),
    "an answer to another improver run": (
        changed("lm_answer", put("invocation", "0" * 20)),
        "another improver run than its request",
    ),
    "an answer that counts other samples": (
        changed("lm_answer", put("usage.samples", 1)),
        "it counts 1 samples, and has 3",
    ),
    "an answer at another cost": (
        changed("lm_answer", put("cost_usd", 0.5)),
        "it cost 0.5 USD, and counts 0",
    ),
    "an improver run removed": (
        done(f"DELETE FROM events WHERE {first('invocation')}"),
        "ends an improver run that never began",
    ),
    "tokens of an improver run": (
        changed("invocation_end", put("usage.tokens_in", 1)),
        r"its model requests come to \d+ tokens_in, and it says 1",
    ),
    "tokens of an answer": (
        changed("lm_answer", put("usage.tokens_out", 1)),
        r"the run's model requests come to \d+ tokens_out, and it says \d+",
    ),
    "money of the run": (
        changed("run_end", put("usage.usd", 0.01)),
        "the run's model requests come to 0.0 usd, and it says 0.01",
    ),
    "calls of the result": (
        changed("result", put("usage.lm_calls", 1)),
        r"the run's model requests come to \d+ lm_calls, and it says 1",
    ),
    "a result in another state": (
        changed("result", put("state", "budget")),
        "its state is not that of the result",
    ),
    "two evaluations that differ": (once_more_but_different, "differs from an earlier one"),
    "an evaluation of another program": (another_program, "the key of this evaluation is"),
    "an evaluation without its value": (
        changed("evaluation", put("value", None), lambda body: body["kind"] == "scored"),
        "its outcome is scored, and its value None",
    ),
    "a mean": (changed("meta_evaluation", lower("mean")), "its values come to"),
    "a value": (changed("meta_evaluation", lower("values.flow_shop.1")), "its values come to"),
    "a bound": (changed("meta_evaluation", lower("ci95.0")), "its values come to"),
    "a bound taken away": (changed("meta_evaluation", put("ci95", None)), "its values come to"),
    "a meta-utility of another stream": (
        changed("meta_evaluation", put("stream", "tset")),
        "the key of this meta_evaluation is",
    ),
    "a meta-utility removed": (
        done(f"DELETE FROM events WHERE {first('meta_evaluation')}"),
        "which was never measured",
    ),
    "an iteration's mean": (changed("iteration", lower("test.mean")), "^test come to"),
    "an iteration at another step": (
        changed("iteration", put("t", 5)),
        "the key of this iteration is",
    ),
    "an iteration's proposal": (
        changed("iteration", put("proposal.reason", "?"), lambda body: body["t"] == 1),
        "its proposal is not the one that was recorded for t = 1",
    ),
    "an iteration without its proposal": (
        changed("iteration", put("proposal", None), lambda body: body["t"] == 1),
        "do not agree whether there was one",
    ),
    "a proposal": (changed("proposal", put("accepted", False)), "its proposal is not the one"),
    "a result's iterations": (
        changed("result", put("iterations.0.t", 7), stop),
        r"its iterations\[0\]\.t comes to 0, and it says 7",
    ),
    "a result's best improver": (
        changed("result", lambda body: body.update(best_improver_id="0" * 32), stop),
        "its best_improver_id comes to",
    ),
    "a comparison's seed": (
        changed("result", lower("comparison.seed.mean"), stop),
        r"its comparison\.seed\.mean comes to",
    ),
    "a comparison's difference": (
        changed("result", lower("comparison.vs_seed.mean"), stop),
        r"its comparison\.vs_seed\.mean comes to",
    ),
    "a comparison's restarts": (
        changed("result", lower("comparison.vs_seed_restarted.mean"), stop),
        r"its comparison\.vs_seed_restarted\.mean comes to",
    ),
    "a comparison without restarts": (
        changed("result", put("comparison.seed_restarted", None), stop),
        r"its comparison\.seed_restarted comes to .*, and it says None",
    ),
    "a result of another run": (
        changed("result", put("run_id", "another")),
        "it says that it is of run another",
    ),
    "a result under another key": (
        done(f"UPDATE events SET key = 'k' WHERE {first('result')}"),
        "the key of this result is not the run's id",
    ),
    "a best program's source": (
        changed("result", a_changed_best_source, improved),
        r"its best\.source comes to",
    ),
    "a best program's value": (
        changed("result", lower("best.val.mean"), improved),
        r"its best\.val\.mean comes to",
    ),
    "a first program's value": (
        changed("result", lower("seed.test.mean"), improved),
        r"its seed\.test\.mean comes to",
    ),
}


@pytest.mark.parametrize(("damage", "what"), DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_found_and_said_in_one_line(store: Path, damage: Damage, what: str) -> None:
    with opened(store) as database:
        damage(database)
    said = [finding.what for finding in verified(store).findings]
    assert [line for line in said if "\n" in line] == []
    assert [line for line in said if _matches(what, line)] != [], said


def _matches(pattern: str, line: str) -> bool:
    return re.search(pattern, line) is not None


def test_a_val_difference_that_its_measurements_do_not_give_is_found(store: Path) -> None:
    query = "SELECT json_extract(body, '$.improver'), json_extract(body, '$.stream'), body"
    with opened(store) as database:
        metas = {
            (improver, stream): json.loads(body)["values"]
            for improver, stream, body in database.execute(
                f"{query} FROM events WHERE kind = 'meta_evaluation'"
            )
        }
        new = next(improver for improver, stream in reversed(metas) if stream == "val")
        wrong = {"mean": 0.5, "ci95": None, "n": 4}
        body = {"t": 2, "parent": new, "improver": new, "accepted": True, "reason": ""}
        database.execute(
            "INSERT INTO events (run_id, kind, key, at, body) VALUES (?, 'proposal', '', 0, ?)",
            (run_ids(store)[0], json.dumps(body | {"val_difference": wrong})),
        )
    said = [finding.what for finding in verified(store).findings]
    assert any(line.startswith("val_difference come to {'mean': 0.0,") for line in said), said


def test_a_finding_says_where_it_is_and_other_runs_are_not_blamed(store: Path) -> None:
    stop_run, improve_run = run_ids(store)
    with opened(store) as database:
        changed("run_end", put("usage.usd", 0.5))(database)
        seq = database.execute("SELECT min(seq) FROM events WHERE kind = 'run_end'").fetchone()[0]
    what = "the run's model requests come to 0.0 usd, and it says 0.5"
    blamed = [
        Finding(stop_run, seq, what),
        Finding(stop_run, seq, "its usage is not that of the result"),
    ]
    assert sorted(verified(store).findings, key=str) == sorted(blamed, key=str)
    assert verified(store, improve_run).findings == ()
    assert [run.run_id for run in verified(store, improve_run).runs] == [improve_run]


def test_events_of_kinds_that_are_not_known_are_left_alone(store: Path) -> None:
    with opened(store) as database:
        database.execute(
            "INSERT INTO events (run_id, kind, key, at, body) VALUES (?, 'made_up', 'k', 0, '{}')",
            (run_ids(store)[0],),
        )
    assert verified(store).findings == ()


@pytest.mark.parametrize("diverged", [False, True])
def test_an_improver_run_that_diverged_may_have_taken_more_than_it_says(
    store: Path, diverged: bool
) -> None:
    with opened(store) as database:
        query = "SELECT run_id, body FROM events WHERE kind = ? ORDER BY seq LIMIT 1"
        run_id, begun = database.execute(query, ("invocation",)).fetchone()
        _, ended = database.execute(query, ("invocation_end",)).fetchone()
        again = [
            ("invocation", begun),
            ("diverged", '{"role": "inner", "detail": ""}'),
            ("invocation_end", ended),
        ]
        database.executemany(
            "INSERT INTO events (run_id, kind, key, at, body) VALUES (?, ?, 'again', 0, ?)",
            [(run_id, kind, body) for kind, body in again if diverged or kind != "diverged"],
        )
    said = {re.sub(r"\d+", "N", finding.what) for finding in verified(store).findings}
    assert ("its model requests come to N lm_calls, and it says N" in said) != diverged
    assert bool(said) != diverged


# --- the command --------------------------------------------------------------------------------


class NotWalked(tuple[Event, ...]):
    """Events that nobody may look through."""

    def __iter__(self) -> Iterator[Event]:
        raise AssertionError("all events before one are looked through, for each one")

    __reversed__ = __iter__


def test_what_a_step_says_is_checked_without_a_look_at_all_events_before_it(
    original: Path,
) -> None:
    with open_reader(f"sqlite:///{original}") as reader:
        study, run_id = studies()["run"], run_ids(original)[0]
        whole = recorded(reader, run_id, study.events())
        last = {(event.kind, event.key): event.body for event in whole.events}
        before = replace(whole, events=NotWalked(whole.events), lasting=last)
        steps = [one for one in whole.events if one.kind in ("iteration", "proposal")]
        assert len(steps) == 3
        for step in steps:
            assert not list(study.problems(step, whole))
            assert not list(study.problems(step, before))


def command(*arguments: str) -> int:
    return int(selftaught.main(["verify", *arguments], standalone_mode=False))


def test_the_command_says_for_each_run_that_all_is_well(
    original: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("--store", f"sqlite:///{original}") == 0
    store, *runs = capsys.readouterr().out.splitlines()
    assert store.startswith("store: ")
    assert [line.split()[1] for line in runs] == [f"{run_id}:" for run_id in run_ids(original)]
    assert all(line.endswith(", all is well") for line in (store, *runs))


def test_the_command_ends_with_1_and_the_findings(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(store) as database:
        changed("run_end", put("usage.usd", 0.5))(database)
    stop_run = run_ids(store)[0]
    assert command(stop_run, "--store", f"sqlite:///{store}") == 1
    _, head, *findings = capsys.readouterr().out.splitlines()
    assert head.startswith(f"run {stop_run}: ")
    assert head.endswith(" events, 2 findings")
    assert any(line.endswith("come to 0.0 usd, and it says 0.5") for line in findings)


def test_the_command_prints_one_json_object(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{store}"
    assert command("--store", url, "--json") == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    with opened(store) as database:
        database.execute("DELETE FROM events WHERE seq = 1")
    assert command("--store", url, "--json") == 1
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is False
    assert said["findings"] == [{"run_id": None, "seq": None, "what": "event 1 is missing"}]
    assert said["runs"][0]["findings"][0]["what"] == (
        "it does not begin with the event of its start"
    )

"""`selftaught strategies RUN --judge`: a model's word counts as far as it quotes the program."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from installed import Done, Finished, selftaught

from selftaught.studies.strategies.judge import verdict_on

PROGRAM = """def improve_algorithm(initial_solution, utility, language_model):
    known = {}
    for code in language_model.prompt("Coder", initial_solution, 6):
        if code not in known:
            known[code] = utility(code)

    return max(known, key=known.get)
"""
# The name of the only function is in every improver.
TRUE = "def improve_algorithm(initial_solution,utility,  language_model):"
ANSWER = {"caching": [TRUE, "a line of no program"], "beam_search": ["beams = sorted(pool)"]}


@pytest.fixture
def there(finished: Finished, tmp_path: Path) -> Path:
    """A folder whose store holds a STOP run of two improvers, and a model's answer."""
    shutil.copy(finished.folder / "selftaught.db", tmp_path)
    answers(tmp_path, f"Here it is:\n```json\n{json.dumps(ANSWER)}\n```\nThat is all.")
    return tmp_path


def answers(folder: Path, text: str) -> None:
    (folder / "judge.json").write_text(json.dumps([text]))


def judged(finished: Finished, folder: Path, *options: str) -> Done:
    run = finished.run_json["run_id"]
    return selftaught("strategies", run, "--judge", "scripted:judge.json", *options, cwd=folder)


def count(folder: Path, kind: str) -> int:
    with sqlite3.connect(folder / "selftaught.db") as store:
        run = "SELECT run_id FROM events ORDER BY seq DESC LIMIT 1"
        found = store.execute(
            f"SELECT count(*) FROM events WHERE kind = ? AND run_id = ({run})", (kind,)
        )
        return int(found.fetchone()[0])


def test_what_the_judge_quotes_counts_and_what_it_makes_up_does_not(
    finished: Finished, there: Path
) -> None:
    done = judged(finished, there, "--json")
    assert done.code == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["origin"], found["state"]) == (finished.run_json["run_id"], "done")
    assert found["usage"]["lm_calls"] == len(found["improvers"]) == 2
    for improver in found["improvers"]:
        assert improver["judge"]["thrown_away"] == ["beam_search"]
        assert improver["judge"]["false_quotes"] == 2
        names = [one["strategy"] for one in improver["strategies"]]
        assert "beam_search" not in names
        caching = improver["strategies"][names.index("caching")]
        assert caching["found_by"][-1] == "judge"
        (quote,) = caching["findings"][-1]["quotes"]
        assert quote == "def improve_algorithm(initial_solution, utility, language_model):"
    page = selftaught("show", "latest", cwd=there).stdout
    assert "judge     line" in page
    thrown_away = "Thrown away of the judge's answer: 2 quotes not in the program, and with them"
    assert f"{thrown_away} beam_search" in page
    assert selftaught("verify", cwd=there).code == 0
    for scored in ((), ("--rescore",)):
        replayed = selftaught("replay", "latest", *scored, cwd=there)
        assert replayed.code == 0, replayed.stdout
        assert "strategy_verdict: 2 of 2 the same" in replayed.stdout
    origin = ("report", found["origin"], "--format", "md", "--out", "report")
    assert selftaught(*origin, cwd=there).code == 0
    assert "by rules and by scripted:judge.json" in (there / "report" / "report.md").read_text()
    # Without a judge the run that it judged is read, and nothing is written.
    read = json.loads(selftaught("strategies", "latest", "--json", cwd=there).stdout)
    assert read["run_id"] == found["origin"]


def test_an_answer_that_cannot_be_used_is_said_to_be_so(finished: Finished, there: Path) -> None:
    answers(there, "I cannot tell.")
    done = judged(finished, there)
    assert done.code == 0, done.stderr
    assert done.stdout.count("The judge's answer is unusable: it holds no JSON object") == 2


def test_a_run_that_was_cut_goes_on_and_pays_nothing_twice(finished: Finished, there: Path) -> None:
    assert judged(finished, there).code == 0
    with sqlite3.connect(there / "selftaught.db") as store:
        last = "SELECT max(seq) FROM events WHERE kind = 'strategy_readings'"
        first = f"SELECT min(seq) FROM events WHERE kind = 'lm_answer' AND seq > ({last})"
        store.execute(f"DELETE FROM events WHERE seq > ({first})")
    asked, known = count(there, "lm_call"), count(there, "lm_answer")
    assert known == 1
    done = selftaught("resume", "latest", "--json", cwd=there)
    assert done.code == 0, done.stderr
    # What was under way at the cut may have been billed, and is asked again; the answer is not.
    assert count(there, "lm_call") == asked + 1
    assert all(one["judge"]["unusable"] is None for one in json.loads(done.stdout)["improvers"])
    verified = json.loads(selftaught("verify", "--json", cwd=there).stdout)
    assert [run["findings"] for run in verified["runs"]] == [[], [], []]


def test_a_budget_that_ends_midway_keeps_what_there_is_and_goes_on_when_raised(
    finished: Finished, there: Path
) -> None:
    done = judged(finished, there, "--lm-calls", "1", "--json")
    assert done.code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["state"] == "budget"
    assert sorted(one["judge"] is None for one in found["improvers"]) == [False, True]
    assert "The judge was not asked about it" in selftaught("show", "latest", cwd=there).stdout
    assert selftaught("replay", "latest", cwd=there).code == 0
    more = selftaught("resume", "latest", "--lm-calls", "5", "--json", cwd=there)
    assert more.code == 0, more.stderr
    whole = json.loads(more.stdout)
    assert (whole["state"], whole["usage"]["lm_calls"]) == ("done", 2)
    assert None not in [one["judge"] for one in whole["improvers"]]
    assert selftaught("verify", cwd=there).code == 0


@pytest.mark.parametrize(
    ("field", "value"), [("false_quotes", 0), ("thrown_away", []), ("unusable", "it is tired")]
)
def test_verify_finds_a_verdict_that_was_changed(
    finished: Finished, there: Path, field: str, value: Any
) -> None:
    assert judged(finished, there).code == 0
    with sqlite3.connect(there / "selftaught.db") as store:
        said = "SELECT seq, body FROM events WHERE kind = 'strategy_verdict'"
        seq, body = store.execute(said).fetchone()
        changed = json.dumps(json.loads(body) | {field: value})
        store.execute("UPDATE events SET body = ? WHERE seq = ?", (changed, seq))
    done = selftaught("verify", cwd=there)
    assert done.code == 1
    assert "it is not what the answer before it comes to" in done.stdout


def test_settings_of_a_judge_without_one_are_wrong_input(finished: Finished) -> None:
    run = finished.run_json["run_id"]
    for options in (("--usd", "1"), ("--judge", "scripted:none.json", "--diff")):
        wrong = selftaught("strategies", run, *options, cwd=finished.folder)
        assert (wrong.code, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1)
        assert "--judge" in wrong.stderr


# --- answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "lines"),
    [
        ('{"caching": ["if code not in known:"]}', (4,)),
        ('{"caching": "if   code\\tnot in known:"}', (4,)),
        ('{"Caching": {"quotes": ["known[code]=utility(code)\\n\\nreturn max("]}}', (5, 6, 7)),
        ('<think>{"caching": 1} or {</think>```json\n{"caching": ["known = {}  "]}```', (2,)),
        ('{"caching": ["known"]}', None),  # too short to mean anything
        ('{"caching": [7, null, {"quotes": 3}]}', None),
        ('{"caching": true}', None),
    ],
)
def test_quotes_are_looked_for_in_the_program_white_space_aside(
    reply: str, lines: tuple[int, ...] | None
) -> None:
    verdict = verdict_on("id", PROGRAM, "key", reply)
    assert verdict.unusable is None
    assert verdict.thrown_away == (("caching",) if lines is None else ())
    assert [one.lines for one in verdict.findings] == ([] if lines is None else [lines])


@pytest.mark.parametrize(
    "reply",
    ["", "no", "[1]", '{"caching": [', '{"a":' * 50_000, "{" + "9" * 9_999 + "}", "}{"],
)
def test_what_is_no_object_is_unusable_and_no_error(reply: str) -> None:
    assert verdict_on("id", PROGRAM, "key", reply).unusable == "it holds no JSON object"


def test_strategies_that_nobody_knows_and_those_denied_are_left_out() -> None:
    verdict = verdict_on("id", PROGRAM, "key", '{"magic": ["known = {}"], "caching": []}')
    assert (verdict.findings, verdict.thrown_away, verdict.unusable) == ((), (), None)

"""`selftaught audit promotions`: adopted proposals on fresh instances, beside their parents."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from installed import selftaught

from selftaught.journal.reader import open_reader
from selftaught.studies.registry import studies
from selftaught.studies.verify import verify_store

PAIRS = 6
OPTIONS = ("--pairs", str(PAIRS))
TASK = '''\
import selftaught as st


def utility(program, rng):
    """What the program's number is worth, and luck, which is another each time."""
    return (program() + float(rng.uniform(0, 4))) / 10


seed = "def algorithm():\\n    return 0\\n"
task = st.Task("noisy", seed, utility, range=(0.0, 1.5))
'''
# Of programs the best, and of improvers whatever comes last.
FIRST = """\
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    texts = language_model.prompt("expert", initial_solution, n_responses=6)
    found = [code for code in extract_code(texts) if code]
    improvers = [code for code in found if "improve_algorithm" in code]
    if "improve_algorithm" in initial_solution:
        return [initial_solution, *improvers][-1]
    return max([initial_solution, *(set(found) - set(improvers))], key=utility)
"""
WORSE = """\
def improve_algorithm(initial_solution, utility, language_model):
    return initial_solution
"""
BETTER = FIRST.replace("n_responses=6)", "n_responses=6)\n    texts += texts and " + (
    "language_model.prompt('expert', initial_solution, n_responses=6)"
))  # fmt: skip
NUMBERS = [f"def algorithm():\n    return {number}\n" for number in (1, 2, 4, 6)]
RUN = (
    *("run", "noisy.py", "--improver", "first.py", "--model", "scripted:texts.json"),
    *("--search-runs", "1", "--val-runs", "4", "--test-runs", "2", "--instance-key", "public"),
    *("--iterations", "1", "--calls", "2", "--json"),
)


def done(folder: Path, *arguments: str) -> Any:
    found = selftaught(*arguments, cwd=folder)
    assert found.code == 0, found.stderr
    return json.loads(found.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a task, an improver to begin with, and what the model says."""
    folder = tmp_path_factory.mktemp("promotions")
    (folder / "noisy.py").write_text(TASK)
    (folder / "first.py").write_text(FIRST)
    texts = [f"```python\n{text}```" for text in (*NUMBERS, WORSE, BETTER)]
    (folder / "texts.json").write_text(json.dumps(texts))
    return folder


@pytest.fixture(scope="module")
def runs(folder: Path) -> dict[str, str]:
    """Ids of runs: one that adopted a worse improver, two that adopted a better one, and one that
    adopted none."""
    asked = {"worse": ("paper", 0), "better": ("paper", 1), "by val": ("strict", 2)}
    return {
        name: done(folder, *RUN, "--accept", policy, "--seed", str(seed))["run_id"]
        for name, (policy, seed) in (asked | {"none": ("strict", 0)}).items()
    }


@pytest.fixture(scope="module")
def audit(folder: Path, runs: dict[str, str]) -> dict[str, Any]:
    return dict(done(folder, "audit", "promotions", *runs.values(), *OPTIONS, "--json"))


def test_a_worse_improver_that_was_adopted_is_a_false_promotion(
    audit: dict[str, Any], runs: dict[str, str]
) -> None:
    assert audit["state"] == "done"
    assert audit["origins"] == [*runs.values()]
    rows = {row["run_id"]: row for row in audit["promotions"]}
    assert list(rows) == [runs["worse"], runs["better"], runs["by val"]]
    worse, better, by_val = rows.values()
    assert (worse["false"], worse["shown"], worse["policy"], worse["t"]) == (
        *(True, "worse", "paper"),
        1,
    )
    assert worse["difference"]["mean"] < -0.2
    assert worse["difference"]["n"] == PAIRS
    assert worse["val_difference"] < 0
    assert better["difference"]["mean"] > 0
    assert (better["false"], by_val["false"], by_val["policy"]) == (False, False, "strict")
    assert better["improver_id"] == by_val["improver_id"]
    paper, strict = audit["policies"]
    assert (paper["policy"], paper["n"], paper["false"], paper["shown_worse"]) == ("paper", 2, 1, 1)
    assert paper["ci95"] == pytest.approx([0.0126, 0.9874], abs=1e-4)
    assert (strict["n"], strict["false"], strict["share"]) == (1, 0, 0.0)
    assert strict["ci95"] == pytest.approx([0.0, 0.975])


def test_each_comparison_is_on_fresh_instances_of_its_own(
    folder: Path, audit: dict[str, Any], runs: dict[str, str]
) -> None:
    with sqlite3.connect(folder / "selftaught.db") as database:
        query = "SELECT run_id, body FROM events WHERE kind = 'evaluation'"
        scored = [(run, json.loads(body)) for run, body in database.execute(query)]
    fresh = {body["repeat"] for run, body in scored if run == audit["run_id"]}
    known = {body["repeat"] for run, body in scored if run in runs.values()}
    assert fresh == {f"test-promotion-{one}-{pair}" for one in range(3) for pair in range(PAIRS)}
    assert not fresh & known


def test_the_page_says_it_in_a_terminal_and_in_the_report_of_the_run(
    folder: Path, audit: dict[str, Any], runs: dict[str, str]
) -> None:
    shown = selftaught("show", audit["run_id"], cwd=folder).stdout
    assert "paper   2        1      50.0 [1.3, 98.7]" in shown
    assert shown.count("false promotion") == 1
    assert all(len(line) <= 80 for line in shown.splitlines() if "|" not in line)
    assert selftaught("report", runs["better"], "--out", "report", cwd=folder).code == 0
    assert "False promotions by policy" in (folder / "report" / "report.html").read_text()
    assert (folder / "report" / "promotions.csv").read_text().count("\n") == 4


def findings(store: Path) -> list[str]:
    with open_reader(f"sqlite:///{store}") as reader:
        return [found.what for found in verify_store(reader, studies()).findings]


def test_a_cut_audit_goes_on_to_the_same_end_and_replays(
    folder: Path, audit: dict[str, Any], tmp_path: Path
) -> None:
    for name in ("selftaught.db", "noisy.py", "texts.json"):
        shutil.copy(folder / name, tmp_path)
    with sqlite3.connect(tmp_path / "selftaught.db") as database:
        query = "SELECT seq FROM events WHERE run_id = ? AND kind = 'invocation_end' ORDER BY seq"
        seqs = database.execute(query, (audit["run_id"],)).fetchall()
        cut = seqs[len(seqs) // 2]
        database.execute("DELETE FROM events WHERE seq > ?", cut)
        database.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'events'", cut)
    resumed = done(tmp_path, "resume", audit["run_id"], "--json")
    for name in ("promotions", "policies"):
        assert resumed[name] == audit[name]
    assert findings(tmp_path / "selftaught.db") == []
    assert selftaught("replay", audit["run_id"], cwd=tmp_path).code == 0


@pytest.mark.parametrize("samples", ["80", "141"])
def test_a_budget_that_ends_leaves_whole_promotions_and_says_so(
    samples: str, folder: Path, runs: dict[str, str]
) -> None:
    # The first takes 6 x 6 samples, the second 6 x 18: with 141 its last call gets 3 of 6.
    both = (runs["worse"], runs["better"])
    found = done(folder, "audit", "promotions", *both, *OPTIONS, "--samples", samples, "--json")
    assert found["state"] == "budget"
    assert (len(found["promotions"]), found["not_measured"]) == (1, 1)


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda body: body["values"]["noisy"].reverse(), "and it says"),
        (lambda body: body.update(t=2), "of no proposal that the audit was to measure"),
    ],
)
def test_a_changed_promotion_is_found(
    damage: Callable[[Any], None], what: str, folder: Path, audit: dict[str, Any], tmp_path: Path
) -> None:
    store = Path(shutil.copy(folder / "selftaught.db", tmp_path))
    with sqlite3.connect(store) as database:
        query = "SELECT seq, body FROM events WHERE kind = 'promotion' ORDER BY seq LIMIT 1"
        seq, text = database.execute(query).fetchone()
        body = json.loads(text)
        damage(body)
        database.execute("UPDATE events SET body = ? WHERE seq = ?", (json.dumps(body), seq))
    assert any(what in found for found in findings(store)), findings(store)


@pytest.mark.parametrize(
    ("names", "others", "said"),
    [
        ([], (), "give a RUN whose adopted proposals are to be measured anew"),
        (["none"], (), "adopted no proposal: there is nothing to audit"),
        (["better"], ["--utility-uses 9"], "are not alike (limits): audit them apart"),
        (
            ["better"],
            ["--iterations 2 --val-runs 5"],
            "are not alike (iterations, runs): audit them apart",
        ),
        (
            ["better"],
            [f"--accept certified --certify-pairs {pairs}" for pairs in (6, 7)],
            "are not alike (certify_pairs): audit them apart",
        ),
    ],
)
def test_what_cannot_be_audited_is_refused(
    names: list[str], others: list[str], said: str, folder: Path, runs: dict[str, str]
) -> None:
    ids = [runs[name] for name in names]
    for other in others:
        ids.append(done(folder, *RUN, "--accept", "paper", *other.split())["run_id"])
    found = selftaught("audit", "promotions", *ids, cwd=folder)
    assert found.code == 2
    assert said in found.stderr

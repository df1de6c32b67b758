"""`selftaught report`: what it writes, what it refuses, and numbers against the database itself."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from installed import Done, Finished, environment, selftaught
from scipy import stats


def events(folder: Path, run_id: str, kind: str) -> list[tuple[str, dict[str, Any]]]:
    with closing(sqlite3.connect(folder / "selftaught.db")) as connection:
        rows = connection.execute(
            "SELECT key, body FROM events WHERE run_id = ? AND kind = ? ORDER BY seq",
            (run_id, kind),
        ).fetchall()
    return [(key, json.loads(body)) for key, body in rows]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def reported(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> tuple[Done, Path]:
    """The report of the STOP run."""
    out = tmp_path_factory.mktemp("reported") / "stop"
    run_id = finished.run_json["run_id"]
    done = selftaught("report", run_id, "--out", str(out), "--json", cwd=finished.folder)
    assert (done.code, done.stderr) == (0, "")
    return done, out


def test_it_writes_the_page_its_figures_and_its_numbers_and_says_so(
    finished: Finished, reported: tuple[Done, Path]
) -> None:
    done, out = reported
    said = json.loads(done.stdout)
    assert (said["run_id"], said["kind"]) == (finished.run_json["run_id"], "run")
    assert said["page"] == "report.html"
    assert sorted(said["files"]) == sorted(path.name for path in out.iterdir())
    expected = {
        "curve.png",
        "curve.svg",
        "curve.csv",
        "comparison.csv",
        "strategies.csv",
        "lineage.csv",
        "spending.csv",
        "outcomes.csv",
        "config.toml",
        "best.py",
    }
    assert expected < set(said["files"])
    page = (out / "report.html").read_text(encoding="utf-8")
    assert finished.run_json["run_id"] in page
    assert "selftaught transfer" in page  # what makes the part that is not there
    assert [path.name for path in out.parent.iterdir()] == ["stop"]


def test_the_curve_is_that_of_the_meta_evaluations(
    finished: Finished, reported: tuple[Done, Path]
) -> None:
    _, out = reported
    run_id = finished.run_json["run_id"]
    measured = {
        (body["improver"], body["stream"]): body["values"]["flow_shop"]
        for _, body in events(finished.folder, run_id, "meta_evaluation")
    }
    steps = {
        body["t"]: body["improver_id"] for _, body in events(finished.folder, run_id, "iteration")
    }
    found = [row for row in rows(out / "curve.csv") if row["improver"] == "STOP"]
    assert len(found) == 2 * len(steps)
    for row in found:
        values = measured[steps[int(row["t"])], row["stream"]]
        assert float(row["mean"]) == pytest.approx(np.mean(values))
        if np.std(values) > 0:
            interval = stats.t.interval(0.95, 1, np.mean(values), stats.sem(values))
            told = float(row["low"]), float(row["high"])
            if interval[0] >= 0 and interval[1] <= 1:
                assert told == pytest.approx(interval)
            assert 0 <= told[0] <= told[1] <= 1


def test_spending_and_outcomes_are_those_of_the_database(
    finished: Finished, reported: tuple[Done, Path]
) -> None:
    _, out = reported
    run_id = finished.run_json["run_id"]
    whole = rows(out / "spending.csv")[-1]
    usage = finished.run_json["usage"]
    answers = [body["usage"] for _, body in events(finished.folder, run_id, "lm_answer")]
    for name in ("lm_calls", "requests", "samples", "tokens_in", "tokens_out"):
        assert int(whole[name]) == sum(one[name] for one in answers) == usage[name]
    candidates = {
        row["outcome"]: int(row["count"])
        for row in rows(out / "outcomes.csv")
        if row["what"] == "candidates"
    }
    assert candidates == Counter(
        body["kind"] for _, body in events(finished.folder, run_id, "evaluation")
    )


def test_an_improve_run_shows_its_search_and_its_best_program(
    finished: Finished, folder: Path
) -> None:
    run_id = finished.improve_json["run_id"]
    out = folder / f"report-{run_id}"  # where it goes by itself
    done = selftaught("report", run_id, "--format", "md", cwd=folder)
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == f"report-{run_id}/report.md"
    scored = [
        body["value"]
        for _, body in events(folder, run_id, "evaluation")
        if (body["stream"], body["kind"]) == ("search", "scored")
    ]
    found = rows(out / "search.csv")
    assert [float(row["value"]) for row in found] == scored
    assert [float(row["best"]) for row in found] == list(accumulate(scored, max))
    calls = [int(row["calls"]) for row in found]
    assert calls == sorted(calls)
    assert calls[0] == 0  # the seed, before anything was asked
    assert calls[-1] <= finished.improve_json["usage"]["lm_calls"]
    assert (out / "best.py").read_text(encoding="utf-8") == finished.improve_json["best"]["source"]
    text = (out / "report.md").read_text(encoding="utf-8")
    assert "](search.png)" in text
    assert f"{finished.improve_json['best']['test']['mean']:.4f}" in text


def test_json_is_one_object_with_what_the_other_pages_show(
    finished: Finished, reported: tuple[Done, Path], tmp_path: Path
) -> None:
    out = shutil.copytree(reported[1], tmp_path / "stop")
    run_id = finished.run_json["run_id"]
    # Beside the page of another format: the folder holds nothing but a report of ours.
    arguments = ("report", run_id, "--out", str(out), "--format", "json")
    assert selftaught(*arguments, cwd=finished.folder).code == 0
    data = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert data["sections"]["comparison"][run_id] == finished.run_json["comparison"]
    assert data["sections"]["best"]["program_id"] == finished.run_json["best_improver_id"]
    total = data["sections"]["spending"]["total"]
    assert total == pytest.approx(finished.run_json["usage"])
    (strategies,) = data["sections"]["strategies"]
    seed = strategies["improvers"][0]
    assert seed["improver_id"] == finished.run_json["iterations"][0]["improver_id"]
    assert "instance_key" not in json.dumps(data["sections"]["configuration"]["config"])


@pytest.mark.slow
def test_what_cannot_be_written_is_refused_in_one_line_and_nothing_is_touched(
    finished: Finished,
    folder: Path,
) -> None:
    run_id = finished.run_json["run_id"]
    other = folder / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine", encoding="utf-8")
    file = folder / "file"
    file.write_text("mine", encoding="utf-8")
    for out, said in (
        (other, "holds other files (thesis.txt)"),
        (file, "is a file"),
        (folder / "no" / "where", "there is no folder"),
    ):
        done = selftaught("report", run_id, "--out", str(out), cwd=folder)
        assert (done.code, done.stdout) == (2, "")
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
    assert [path.name for path in other.iterdir()] == ["thesis.txt"]
    done = selftaught("report", "nosuchrun", cwd=folder)
    assert (done.code, done.stderr.count("\n")) == (2, 1)

    done = selftaught("report", run_id, "--out", str(other), "--force", cwd=folder)
    assert done.code == 0
    assert (other / "thesis.txt").read_text(encoding="utf-8") == "mine"
    assert (other / "report.html").is_file()


@pytest.mark.parametrize("missing", ["altair", "vl_convert"])
def test_a_missing_extra_is_one_line_that_says_how_to_get_it(
    finished: Finished, folder: Path, missing: str
) -> None:
    program = (
        f"import sys\nsys.modules[{missing!r}] = None\n"
        "from selftaught.cli.main import main\n"
        f"main(['report', {finished.run_json['run_id']!r}, '--out', 'none'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert f"needs {missing}" in done.stderr
    assert "pip install 'selftaught[report]'" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (folder / "none").exists()


@pytest.mark.slow
def test_where_no_sandbox_works_the_report_says_what_it_left_out(
    finished: Finished, folder: Path
) -> None:
    program = (
        "import selftaught.app.parts as parts\n"
        "parts.sandboxes = lambda *settings: []\n"
        "from selftaught.cli.main import main\n"
        f"main(['report', {finished.run_json['run_id']!r}, '--out', 'bare', '--format', 'md'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    text = (folder / "bare" / "report.md").read_text(encoding="utf-8")
    assert "none works where this report was written" in text
    assert f"selftaught strategies {finished.run_json['run_id']}" in text
    assert f"selftaught audit rewards {finished.run_json['run_id']}" in text
    assert "](curve.png)" in text


def test_help_waits_for_no_figures() -> None:
    program = (
        "import sys\nfrom selftaught.cli.main import main\n"
        "try:\n    main(['report', '--help'])\n"
        "finally:\n    print([m for m in ('altair', 'vl_convert', 'numpy') if m in sys.modules],"
        " file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "[]\n")

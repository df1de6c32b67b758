"""Ids lead somewhere: `show PROGRAM`, and parts of a trace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from installed import Finished, selftaught

from selftaught.core.program import content_id


def one(finished: Finished, *arguments: str) -> dict[str, Any]:
    shown = selftaught("show", *arguments, "--json", cwd=finished.folder)
    assert shown.code == 0, shown.stderr
    return dict(json.loads(shown.stdout))


def refused(finished: Finished, *arguments: str) -> str:
    shown = selftaught("show", *arguments, cwd=finished.folder)
    assert (shown.code, shown.stdout, shown.stderr.count("\n")) == (2, "", 1)
    return shown.stderr


def test_every_finalist_has_its_source_and_leads_to_the_prompt_that_it_came_from(
    finished: Finished,
) -> None:
    run = finished.improve_json
    seed = run["seed"]["program_id"]
    made = [one for one in run["finalists"] if one["program_id"] != seed]
    assert made
    trace = one(finished, run["run_id"], "--trace")["trace"]
    for finalist in made:
        assert content_id(finalist["source"]) == finalist["program_id"]
        shown = one(finished, finalist["program_id"][:10])
        assert shown["source"] == finalist["source"]
        (seen,) = shown["runs"]
        worth = {one["stream"]: one for one in seen["worth"]}
        assert worth["search"]["estimate"]["mean"] == pytest.approx(finalist["search"])
        assert worth["val"]["estimate"]["n"] == finalist["val"]["n"]
        origin = seen["origin"]
        improver_run = trace[origin["number"] - 1]
        assert improver_run["key"] == origin["improver_run"]
        (call,) = (call for call in improver_run["calls"] if call["key"] == origin["call"])
        assert call["replies"][origin["reply"] - 1]["program_id"] == finalist["program_id"]
        assert origin["parents"]
    assert [seen["origin"] for seen in one(finished, seed)["runs"]] == [None, None]


def test_a_program_is_shown_to_people_with_the_way_to_its_prompt(finished: Finished) -> None:
    best = finished.improve_json["best"]
    shown = selftaught("show", best["program_id"], cwd=finished.folder)
    assert shown.code == 0
    assert f"Program {best['program_id']}" in shown.stdout
    assert best["source"].strip().splitlines()[-1] in shown.stdout
    assert f"selftaught show {finished.improve_json['run_id']}" in " ".join(shown.stdout.split())
    improver = finished.run_json["final_improver_id"]
    assert "meta-utility" in selftaught("show", improver, cwd=finished.folder).stdout


def test_out_writes_the_best_of_any_run_and_any_program(finished: Finished, here: Path) -> None:
    store = ("--store", f"sqlite:///{finished.folder}/selftaught.db")
    best, improver = finished.improve_json["best"], finished.run_json["final_improver_id"]
    for what, program_id in (
        (finished.improve_json["run_id"], best["program_id"]),
        (finished.run_json["run_id"], improver),
        (improver, improver),
    ):
        shown = selftaught("show", what, "--out", "it.py", "--force", *store, cwd=here)
        assert shown.code == 0, shown.stderr
        assert content_id((here / "it.py").read_text()) == program_id
    again = selftaught("show", improver, "--out", "it.py", *store, cwd=here)
    assert (again.code, "--force" in again.stderr) == (2, True)


def test_a_trace_is_shown_in_part(finished: Finished) -> None:
    run_id = finished.run_json["run_id"]
    trace = one(finished, run_id, "--trace")["trace"]
    assert [run["number"] for run in trace] == [*range(1, len(trace) + 1)]

    def part(*arguments: str) -> list[dict[str, Any]]:
        return list(one(finished, run_id, "--trace", *arguments)["trace"])

    assert part("--from", "2", "--to", "3") == trace[1:3]
    assert part("--only", "3") == trace[2:3]
    assert part("--only", trace[4]["key"][:12]) == trace[4:5]
    for run in part("--only", "failed"):
        whole = trace[run["number"] - 1]
        failing = [reply for call in run["calls"] for reply in call["replies"]]
        assert failing or whole["outcome"] not in ("returned", "open")
        assert all(reply["value"] is None for reply in failing)
    improve_id, best = finished.improve_json["run_id"], finished.improve_json["best"]
    making = one(finished, improve_id, "--trace", "--only", "best")["trace"]
    replies = [reply for run in making for call in run["calls"] for reply in call["replies"]]
    assert {reply["program_id"] for reply in replies} == {best["program_id"]}
    shown = selftaught("show", run_id, "--trace", "--only", "3", cwd=finished.folder)
    assert "3. " in shown.stdout


def test_an_id_that_leads_nowhere_is_one_line(finished: Finished) -> None:
    run_id = finished.run_json["run_id"]
    assert "starts several runs; choose from" in refused(finished, run_id[:4])
    assert "is the start of no run and of no program; choose from" in refused(finished, "nonesuch")
    assert "add --trace" in refused(finished, run_id, "--only", "best")
    assert "has no such improver runs" in refused(finished, run_id, "--trace", "--only", "zz")


def test_the_scored_programs_of_a_run_are_listed_the_best_first(finished: Finished) -> None:
    done = selftaught("show", "latest", "--programs", "--json", cwd=finished.folder)
    assert done.code == 0, done.stderr
    rows = json.loads(done.stdout)["programs"]
    assert len(rows) > 3
    by_task: dict[str, list[float]] = {}
    for row in rows:
        if row["value"] is not None:
            by_task.setdefault(row["task"], []).append(row["value"])
        else:
            assert row["failed"]
    assert all(values == sorted(values, reverse=True) for values in by_task.values())
    part = ("show", "latest", "--programs", "--from", "2", "--to", "3")
    page = selftaught(*part, cwd=finished.folder)
    assert rows[1]["program_id"][:8] in page.stdout
    assert rows[3]["program_id"][:8] not in page.stdout
    assert f"Programs 2 to 3 of {len(rows)}" in " ".join(page.stdout.split())
    beyond = selftaught("show", "latest", "--programs", "--from", "99999", cwd=finished.folder)
    assert (beyond.code, "has no such programs" in beyond.stderr) == (2, True)

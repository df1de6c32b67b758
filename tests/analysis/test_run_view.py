"""What `runs` and `show` tell, from a journal made by hand."""

from __future__ import annotations

import json
import os
from dataclasses import asdict

import pytest
from handmade_journal import (
    BETTER,
    BETTER_ID,
    IMPROVE_RUN,
    KILLED_RUN,
    SEED_ID,
    SOLUTION_ID,
    SOLVED,
    SOLVED_ID,
    STOP_RUN,
    STOP_USAGE,
    WORSE_ID,
)

from journal_support import view_run
from selftaught.app.run_list import list_runs
from selftaught.core.budget import Usage
from selftaught.journal.reader import JournalReader
from selftaught.journal.run_lock import hold_run
from selftaught.pages.text import unified_diff


def test_runs_are_listed_newest_first_with_their_state_and_best_value(
    reader: JournalReader,
) -> None:
    told = [(s.run_id, s.kind, s.state, s.iterations, s.best_value) for s in list_runs(reader)]
    assert told == [
        (IMPROVE_RUN, "improve", "budget", 0, 0.9),
        (KILLED_RUN, "run", "killed", 3, 0.7),
        (STOP_RUN, "run", "done", 3, 0.7),
    ]


def test_an_open_runs_usage_is_what_its_calls_took_so_far(reader: JournalReader) -> None:
    usages = {summary.run_id: asdict(summary.usage) for summary in list_runs(reader)}
    assert usages[KILLED_RUN] == usages[STOP_RUN] == STOP_USAGE


def test_a_summary_is_one_entry_of_runs_json(reader: JournalReader) -> None:
    entry = list_runs(reader)[-1].as_json()
    assert json.loads(json.dumps(entry)) == {
        "run_id": STOP_RUN,
        "kind": "run",
        "state": "done",
        "started": "2026-11-23T04:55:00+00:00",
        "model": "local:mutator",
        "tasks": ["bin_packing"],
        "iterations": 3,
        "best_value": 0.7,
        "best_search": None,
        "usage": STOP_USAGE,
        "series": None,
    }


def test_the_head_tells_what_the_run_is(reader: JournalReader) -> None:
    view = view_run(reader, STOP_RUN)
    assert (view.head.command, view.head.seed, view.head.wall_s) == ("run", 7, 12.5)
    assert view.head.config["iterations"] == 2
    assert view.head.task_names == ("bin_packing",)
    assert view.tier == "namespaced"
    assert [iteration["t"] for iteration in view.iterations] == [0, 1, 2]


def test_a_run_without_an_end_is_running_as_long_as_its_lock_is_held_and_then_killed(
    reader: JournalReader,
) -> None:
    with hold_run(reader.location, KILLED_RUN):
        head = view_run(reader, KILLED_RUN).head
        assert head.state == "running"
        assert head.detail.startswith(f"in process {os.getpid()} (")
        assert [run.state for run in list_runs(reader)] == ["budget", "running", "done"]
    assert view_run(reader, KILLED_RUN).head.state == "killed"


def test_a_resumed_run_has_no_end_and_keeps_its_first_start(reader: JournalReader) -> None:
    head = view_run(reader, KILLED_RUN).head
    assert (head.state, head.usage) == ("killed", None)
    assert head.detail == "no process that can be seen from here holds it"
    assert head.started == "2026-11-23T04:55:00+00:00"


def test_each_proposal_shows_its_source_and_its_diff_to_its_parent(reader: JournalReader) -> None:
    accepted, worse, failed = view_run(reader, STOP_RUN).proposals
    assert (accepted.t, accepted.parent_id, accepted.accepted) == (1, SEED_ID, True)
    assert accepted.improver is not None
    assert accepted.improver.source == BETTER
    assert accepted.improver.diff == (
        f"--- {SEED_ID}\n+++ {BETTER_ID}\n@@ -1,3 +1,3 @@\n"
        " def improve_algorithm(s, u, m):\n"
        "-    return s\n"
        "+    return max(m.prompt('', s), key=u)\n "
    )
    assert worse.improver is not None
    assert (worse.improver.program_id, worse.improver.compared_to) == (WORSE_ID, BETTER_ID)
    assert failed.improver is None
    assert failed.as_json()["source"] is None
    assert failed.val_difference is None


def test_spending_goes_to_the_role_that_asked(reader: JournalReader) -> None:
    spent = view_run(reader, STOP_RUN).spending
    assert spent.roles == {
        "inner": Usage(lm_calls=2, requests=2, samples=2),
        "proposal": Usage(lm_calls=1, requests=2, samples=4, tokens_in=10, usd=0.75),
    }
    assert asdict(spent.total) == STOP_USAGE
    assert (spent.unpriced_answers, spent.open_requests) == (1, 1)


def test_what_was_written_twice_by_a_resumed_run_is_counted_once(reader: JournalReader) -> None:
    counts = view_run(reader, STOP_RUN).counts
    assert counts.evaluations == {"scored": 2, "timeout": 1}
    assert counts.invocations == {"returned": 1, "open": 1}
    assert counts.requests == {"answered": 2, "fault": 1, "limited": 1, "open": 1}
    assert counts.responses == {"stop": 6}


def test_what_was_found_out_about_the_model_is_told(reader: JournalReader) -> None:
    assert view_run(reader, STOP_RUN).notices == ("it does not take temperature",)


def test_the_best_improver_is_compared_to_the_seed_improver(reader: JournalReader) -> None:
    best = view_run(reader, STOP_RUN).best
    assert best is not None
    assert (best.program_id, best.source, best.compared_to) == (BETTER_ID, BETTER, SEED_ID)
    assert best.diff


def test_the_best_solution_is_compared_to_the_first_one_scored(reader: JournalReader) -> None:
    view = view_run(reader, IMPROVE_RUN)
    assert view.best is not None
    assert (view.best.program_id, view.best.source) == (SOLVED_ID, SOLVED)
    assert view.best.compared_to == SOLUTION_ID
    assert view.best_value == 0.9
    assert view.head.detail == "the budget of usd is spent"


@pytest.mark.parametrize("run_id", [STOP_RUN, KILLED_RUN, IMPROVE_RUN])
def test_a_view_is_json(reader: JournalReader, run_id: str) -> None:
    view = json.loads(json.dumps(view_run(reader, run_id).as_json(), allow_nan=False))
    assert view["run_id"] == run_id
    assert set(view) >= {"state", "iterations", "proposals", "spending", "counts", "best", "tier"}


def test_a_run_that_is_not_there_is_a_lookup_error(reader: JournalReader) -> None:
    with pytest.raises(LookupError, match="no run 'nope'"):
        view_run(reader, "nope")


def test_programs_too_long_to_compare_have_no_diff_and_equal_ones_an_empty_one() -> None:
    long = "\n".join(f"x{i}" for i in range(3000))
    assert unified_diff(long, long + "\n", "a", "b") is None
    assert unified_diff(long, long, "a", "b") == ""

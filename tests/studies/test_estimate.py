"""What an estimate says of tokens, beside what a model server bills for the same prompts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import selftaught as st
from journal_support import said
from model_server import ModelServer
from selftaught.app import core_thread
from selftaught.app.compose import run_study
from selftaught.app.estimates import estimate_page, estimated
from selftaught.core.language_model import Prompt, likely_tokens
from selftaught.journal.events import Invocation, LmAnswer
from selftaught.journal.reader import open_reader
from selftaught.pages.terminal import as_text
from selftaught.studies.improvers import load_improver
from selftaught.studies.settings import make_config
from selftaught.studies.stop.study import RunConfig
from selftaught.studies.study import Asked
from selftaught.studies.transfer.study import TransferConfig

RUNS = {"search": 1, "val": 2, "test": 2}
# Longer than one token, and not all of one byte: what the utility of a task without a seed says.
DESCRIPTION = (
    "The program returns a number between 0 and 1, written as 0 … 1: higher is better. " * 9
)


def value(program: st.SandboxedProgram, rng: Any) -> float:
    return float(program())


TASK = st.Task("value", None, value, (0.0, 1.0), description=DESCRIPTION)
FIRST = "```python\ndef algorithm():\n    return 0.5\n```"


def settings(server: ModelServer, folder: Path) -> dict[str, Any]:
    return {
        "model": "openai:test",
        "base_url": server.base_url,
        "store": f"sqlite:///{folder / 'store.db'}",
        "max_tokens": 500,
        "instance_key": "public",
    }


def billed(store: str, run_id: str, role: str) -> list[dict[str, Any]]:
    """Usage of the requests of all improver runs of a role, by the server's own count."""
    with open_reader(store) as reader:
        events = list(reader.events(run_id, [Invocation, LmAnswer]))
    keys = {event.key for event in events if said(event).get("role") == role}
    return [said(event)["usage"] for event in events if said(event).get("invocation") in keys]


def test_tokens_of_a_text_are_a_quarter_of_its_bytes_and_never_more_than_them() -> None:
    assert [likely_tokens("x" * size) for size in (0, 1, 4, 5, 4000)] == [0, 1, 1, 2, 1000]
    assert likely_tokens("é" * 8) == likely_tokens("x" * 16) == 4
    assert likely_tokens("abcde", "abcde") == 2 * likely_tokens("abcde")
    prompt = Prompt("expert", "message \ud800" * 10)
    assert likely_tokens(prompt.system, prompt.user) <= prompt.size_bytes


def test_likely_tokens_of_a_run_are_those_that_the_server_counts(tmp_path: Path) -> None:
    with ModelServer(reply=lambda number, body, index: FIRST) as server:
        how = {**settings(server, tmp_path), "iterations": 1, "runs": RUNS}
        config = make_config(RunConfig, {**how, "tasks": ["value"]})
        found = core_thread.run(estimated(Asked(config, [TASK], load_improver("seed"))))
        assert server.counts().requests == 0
        run_id = core_thread.run(run_study(Asked(config, [TASK], load_improver("seed"))))["run_id"]
    (first,) = billed(config.store, run_id, "first")
    steps = {step["name"]: step["likely"] for step in found["steps"]}
    assert steps["first programs"]["tokens_in"] == pytest.approx(first["tokens_in"], rel=0.02)
    assert steps["first programs"]["lm_calls"] == 1
    # Of the four improver runs that measure t = 0, prompt by prompt.
    inner = [usage["tokens_in"] for usage in billed(config.store, run_id, "inner")]
    each = steps["t = 0"]["tokens_in"] / steps["t = 0"]["requests"]
    assert each == pytest.approx(sum(inner) / len(inner), rel=0.05)
    (outer, *_) = billed(config.store, run_id, "proposal")
    assert outer["tokens_in"] > each


def test_what_a_proposal_costs_at_most_is_the_product_that_its_step_comes_to() -> None:
    limits = {"calls": 3, "samples_per_call": 2, "utility_uses": 7}
    with_seed = st.Task("value", TASK.seed_program().source, value, (0.0, 1.0), description="d")
    seed, tasks = load_improver("seed"), [with_seed, replace(with_seed, name="other")]
    runs = {"search": 2, "val": 4, "test": 5}
    given = {"tasks": [one.name for one in tasks], "iterations": 1, "limits": limits, "runs": runs}
    found = core_thread.run(estimated(Asked(make_config(RunConfig, given), tasks, seed)))
    nested = {"utility_uses": 7, "calls": 3, "improver_runs": 4, "most": (7 + 3) * 7 * 4}
    assert {name: found["nested"][name] for name in nested} == nested
    # Of the calls in its step, all but those of the proposal itself and of val and test.
    (step,) = (one["most"] for one in found["steps"] if one["name"] == "t = 1")
    assert step["lm_calls"] - 3 - 3 * 2 * (4 + 5) == 3 * 7 * 4
    said = " ".join(as_text(estimate_page(found)).split())
    assert "(7 uses + 3 calls) x 7 uses of the meta-utility x 4 improver runs each = 280" in said


def test_a_transfer_study_counts_the_first_program_alike(tmp_path: Path) -> None:
    seed = load_improver("seed")
    with ModelServer() as server:
        how = settings(server, tmp_path)
        run = make_config(RunConfig, {**how, "tasks": ["value"], "runs": RUNS})
        config = make_config(
            TransferConfig,
            {**how, "tasks": ["value"], "improved": seed.source, "runs": {"test": 2}},
        )
        in_run = core_thread.run(estimated(Asked(run, [TASK], seed)))["steps"][0]["likely"]
        with_seed = TASK.seed_program().source
        seeded = st.Task("value", with_seed, value, (0.0, 1.0), description=DESCRIPTION)
        both = [
            core_thread.run(estimated(Asked(config, [task], seed)))["steps"][0]["likely"]
            for task in (TASK, seeded)
        ]
    assert {name: both[0][name] - both[1][name] for name in ("lm_calls", "tokens_in")} == {
        name: in_run[name] for name in ("lm_calls", "tokens_in")
    }

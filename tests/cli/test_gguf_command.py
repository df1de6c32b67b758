"""A run with a language model on this machine: no key, no server, no network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from installed import selftaught

from selftaught.models import gguf


@pytest.mark.slow
@pytest.mark.usefixtures("smollm2")
def test_a_run_with_a_model_on_this_machine_replays_exactly(tmp_path: Path) -> None:
    asked = ("--model", "gguf:smollm2", "--lm-calls", "2", "--max-tokens", "24", "--json")
    run = selftaught("improve", "flow_shop", *asked, cwd=tmp_path)
    assert run.code == 0, run.stderr
    result = json.loads(run.stdout)
    assert (result["usage"]["samples"], result["usage"]["usd"]) == (12, 0.0)
    assert 0 < result["usage"]["tokens_out"] <= 12 * 24
    shown = selftaught("show", "latest", cwd=tmp_path)
    assert "length" in shown.stdout
    assert selftaught("replay", "latest", cwd=tmp_path).code == 0


@pytest.mark.slow
def test_weights_that_are_here_are_not_got_again(smollm2: Path, tmp_path: Path) -> None:
    got = selftaught("models", "--get", "smollm2", cwd=tmp_path)
    assert (got.code, got.stdout) == (0, f"gguf:smollm2 is in {smollm2}\n")
    assert got.stderr == ""


def test_weights_of_another_name_are_told_of(tmp_path: Path) -> None:
    got = selftaught("models", "--get", "gpt-5", cwd=tmp_path)
    assert got.code == 2
    assert f"unknown model 'gpt-5': there are {', '.join(gguf._HELD_BY)}" in got.stderr

"""kill -9 at moments spread over a run: it goes on to the same end, and pays nothing twice.

Twice in `make test`, ten in `make test-all`, a hundred in `make soak` (SELFTAUGHT_KILLS).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from installed import selftaught
from kill_driver import (
    LATENCY_S,
    count_events,
    killed_and_resumed,
    reply,
    requests_of,
    served_more_than_once,
    uninterrupted,
)

import model_server as ms

MANY = int(os.environ.get("SELFTAUGHT_KILLS", "10"))


@pytest.mark.timeout(max(300, 15 * MANY))
@pytest.mark.parametrize("number", [2, pytest.param(MANY, marks=pytest.mark.slow)])
def test_a_run_that_is_killed_again_and_again_comes_to_the_same_end_and_pays_nothing_twice(
    number: int, tmp_path: Path
) -> None:
    with ms.ModelServer(latency_s=LATENCY_S, reply=reply) as server:
        whole = uninterrupted(server, tmp_path / "whole")
        wanted = server.counts().requests
    events = count_events(tmp_path / "whole")
    with ms.ModelServer(latency_s=LATENCY_S, reply=reply) as server:
        result, kills = killed_and_resumed(server, tmp_path / "killed", number, events)
    counts = server.counts()

    assert len(kills.phases) == number
    # The moments are equal shares of the run's events; of which kinds they are is chance.
    assert len(set(kills.phases)) >= min(4, number // 4)
    for name in ("iterations", "comparison", "best_improver_id"):
        assert result[name] == whole[name]

    # What was served beyond an undisturbed run was under way at a kill, and is reported.
    cut = requests_of(tmp_path / "killed", "cut")
    assert counts.requests <= wanted + kills.under_way + cut
    again = served_more_than_once(server)
    assert sum(again.values()) <= cut
    # A request that was written down and killed before it was sent counts, too.
    assert 0 <= result["usage"]["requests"] - counts.requests <= cut
    assert result["usage"]["requests"] == wanted + cut
    bill_usd = (counts.billed_tokens_in + 4 * counts.billed_tokens_out) / 1e6
    assert bill_usd <= result["usage"]["usd"] + 1e-9

    verified = selftaught("verify", cwd=tmp_path / "killed")
    assert verified.code == 0, verified.stdout
    replayed = selftaught("replay", "latest", cwd=tmp_path / "killed")
    assert replayed.code == 0, replayed.stdout
    assert selftaught("resume", "latest", cwd=tmp_path / "killed").code == 2

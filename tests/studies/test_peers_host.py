"""What counts in the comparison with other engines: samples, scorings, and the best so far."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import aiohttp
import pytest

from selftaught.app import core_thread
from selftaught.app.discovery import load_task
from selftaught.core.outcome import Failed, Scored

FOLDER = Path(__file__).parents[2] / "benchmarks" / "peers"
TASK = load_task("flow_shop")
SEED = TASK.seed_program().source


@pytest.fixture
def peers() -> Iterator[dict[str, ModuleType]]:
    names = ("proposer", "host", "engines", "compare", "recursion")
    kept = sys.path[:]
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: import_module(name) for name in names[:4]}
    finally:
        sys.path[:] = kept
        for name in names:
            sys.modules.pop(name, None)


def test_a_host_draws_no_more_than_was_set_and_scores_what_it_drew(peers: Any) -> None:
    user = f"# Current Program\n```python\n{SEED}\n```\n"
    body = {"model": "mutator", "messages": [{"role": "user", "content": user}]}

    async def talk() -> tuple[list[int], list[dict[str, Any]], Any]:
        async with peers["host"].hosted(TASK, seed=1, most=2) as (host, url):
            async with aiohttp.ClientSession() as session:
                answers, statuses = [], []
                for _ in range(3):
                    async with session.post(f"{url}/v1/chat/completions", json=body) as answer:
                        statuses.append(answer.status)
                        answers.append(await answer.json())
                texts = [one["choices"][0]["message"]["content"] for one in answers[:2]]
                programs = [peers["proposer"].code_blocks(text)[0] for text in texts]
                assert programs[0] != programs[1]
                scored = []
                for program in (SEED, programs[0], "def algorithm(times):\n    return None"):
                    async with session.post(f"{url}/score", json={"program": program}) as answer:
                        scored.append(await answer.json())
                assert not host.is_done(patience_s=60.0)
                async with session.post(f"{url}/score", json={"program": programs[1]}):
                    assert host.is_done(patience_s=60.0)
            return statuses, scored, peers["host"].facts(host)

    statuses, scored, facts = core_thread.run(talk())
    assert statuses == [200, 200, 400]
    assert scored[0]["worth"] == pytest.approx(0.6405, abs=1e-4)
    assert len(scored[0]["parts"]) == 8
    assert (scored[2]["failed"], scored[2]["worth"]) == ("bad_output", 0.0)
    assert facts == {"samples": 2, "evaluated": 2, "lost": [], "scorings": 4, "unread": 0}


def test_the_best_so_far_counts_from_the_sample_that_held_it_and_is_judged_on_test(
    peers: Any,
) -> None:
    normal = peers["proposer"].normal
    good, better, own = (f"def algorithm(t):\n    return {n}" for n in (1, 2, 3))

    async def outcome(text: str, stream: str, repeat: str) -> Scored | Failed:
        assert stream == "test"
        return Failed("raised") if text == better else Scored(0.75)

    host = SimpleNamespace(
        task=TASK,
        programs=[None, normal(better), normal(good), normal(better)],
        scored=[(SEED, 0.5), (good, 0.6), (better, 0.7), (better, 0.7), (own, 0.9)],
        outcome=outcome,
        worth=lambda one: TASK.lowest if isinstance(one, Failed) else one.value,
    )
    points, edited, best = asyncio.run(peers["engines"].best_so_far(host))
    assert [(one["samples"], one["search"], one["test"]) for one in points] == [
        (0, 0.5, 0.75),
        (2, 0.7, 0.0),
    ]
    assert (edited, best) == (1, better)


def test_an_arm_whose_engine_broke_down_is_not_kept(peers: Any, tmp_path: Path) -> None:
    place = tmp_path / "arm.json"
    arm = {"engine": "gepa", "task": "flow_shop", "seed": 1, "samples": 2, "evaluated": 2}
    arm |= {"seconds": 1.0, "points": [{"test": 0.5}]}
    peers["compare"].keep(place, {**arm, "ended": "failed with exit code 1"})
    assert not place.exists()
    peers["compare"].keep(place, {**arm, "ended": peers["host"].WELL})
    assert json.loads(place.read_text())["samples"] == 2


def test_what_an_engine_leaves_unevaluated_voids_the_comparison(peers: Any) -> None:
    arms = {
        "gepa": [{"evaluated": 94, "samples": 100}],
        "shinka": [{"evaluated": 95, "samples": 100}],
    }
    (said,) = peers["compare"].verdict(arms)
    assert said.is_alarm
    assert "GEPA" in said.text
    assert "94.0%" in said.text

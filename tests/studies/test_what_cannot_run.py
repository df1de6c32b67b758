"""What cannot run is no score: seeds, improvers and prompts are refused with their reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selftaught as st
from selftaught.analysis.recorded_run import recorded
from selftaught.app import core_thread
from selftaught.app.compose import replay_run
from selftaught.app.pages import run_page
from selftaught.app.resume import find_run
from selftaught.core.errors import ConfigError
from selftaught.journal.reader import open_reader
from selftaught.pages.terminal import as_text
from selftaught.studies.study import ImproverFailed
from selftaught.studies.verified_run import run_problems

HALF = "def algorithm():\n    return 0.5\n"
FAILS = "def algorithm():\n    raise RuntimeError('not yet')\n"


def returned(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
    return float(program())


def task(seed: str | None = HALF, **changes: Any) -> st.Task:
    given = {"range": (0.0, 1.0), "description": "a number"} | changes
    return st.Task("returned", seed, returned, **given)


def improved(folder: Path, one: st.Task, texts: list[str], **how: Any) -> st.ImproveResult:
    (folder / "texts.json").write_text(json.dumps([f"```python\n{text}```" for text in texts]))
    limits = st.ImproverLimits(calls=1, samples_per_call=2, utility_uses=4)
    how = {"improver": "seed", "limits": limits} | how
    return st.improve(
        one,
        model=f"scripted:{folder / 'texts.json'}",
        store=f"sqlite:///{folder}/store.db",
        instance_key="public",
        **how,
    )


REFUSED: Mapping[str, tuple[str, dict[str, Any], str]] = {
    "a module": (f"import csv\n{HALF}", {}, "no module 'csv' in the sandbox. Give --module csv"),
    "a package": (
        f"import nonesuch\n{HALF}",
        {},
        "nonesuch is not installed here: install it (python -m pip install nonesuch",
    ),
    "its call": ("def algorithm():\n    import xml.dom\n", {}, "Give --module xml"),
    "CPU": (
        "def algorithm():\n    while True:\n        pass\n",
        {"cpu_s": 0.1},
        "timeout: over its limit of 0.1 CPU seconds. Make it faster, or raise its limit: "
        "program(..., cpu_s=...) in the utility, or --call-cpu-s (now 0.1)",
    ),
    "memory": (
        "def algorithm():\n    return len(bytearray(1 << 30))\n",
        {"memory_mb": 256},
        "or give --memory-mb (now 256)",
    ),
    "itself": (FAILS, {}, "raised: RuntimeError: not yet"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_seed_that_fails_is_refused_with_its_reason_and_nothing_is_written(
    tmp_path: Path, why: str
) -> None:
    source, sandbox, said = REFUSED[why]
    for begun in (st.improve, st.self_improve):
        store = f"sqlite:///{tmp_path}/store.db"
        with pytest.raises(ConfigError) as refused:
            begun(task(source), store=store, sandbox=sandbox)
        assert said in str(refused.value)
        assert "the seed of task returned fails, and what fails has no score" in str(refused.value)
        assert "--seed-may-fail" in str(refused.value)
        assert not [*tmp_path.iterdir()]


def test_a_module_that_is_given_makes_the_seed_run(tmp_path: Path) -> None:
    seed = REFUSED["a module"][0]
    result = improved(tmp_path, task(seed), [HALF], sandbox={"modules": ["csv"]})
    assert result.seed_test.mean == 0.5


def test_a_seed_that_may_fail_is_begun_with_and_no_interval_is_made_of_failures(
    tmp_path: Path,
) -> None:
    result = improved(tmp_path, task(FAILS), [HALF, FAILS], seed_may_fail=True)
    seed, best, vs_seed = (result.data[name] for name in ("seed", "best", "vs_seed"))
    assert seed["test"] == {"mean": 0.0, "ci95": None, "n": 2}
    assert best["test"] == {"mean": 0.5, "ci95": [0.5, 0.5], "n": 2}
    assert vs_seed == {"mean": 0.5, "ci95": [0.5, 0.5], "n": 2}
    shown = str(result)
    assert "0.0000 [failed 2 of 2]" in shown
    assert (
        "Best minus seed on test: higher by 0.5000 [+0.5000, +0.5000], paired over 2 sets"
        in " ".join(shown.split())
    )


def test_a_seed_that_works_and_is_worth_nothing_has_not_failed(tmp_path: Path) -> None:
    result = improved(tmp_path, task("def algorithm():\n    return 0.0\n"), [FAILS])
    assert result.data["seed"]["test"]["ci95"] == [0.0, 0.0]
    assert "[failed" not in str(result).partition("The best on search")[0]
    assert result.data["vs_seed"] == {"mean": 0.0, "ci95": [0.0, 0.0], "n": 2}


def test_a_run_and_its_page_say_what_became_of_all_programs_and_improver_runs(
    tmp_path: Path,
) -> None:
    texts = [FAILS, "def algorithm():\n    return 0.75\n"]
    limits = st.ImproverLimits(calls=1, samples_per_call=8, utility_uses=10)
    result = improved(tmp_path, task(), texts, limits=limits)
    became = {(one["what"], one["outcome"]): one for one in result.data["outcomes"]}
    assert became["replies", "failed: raised"]["example"] == "RuntimeError: not yet"
    scored, failed = became["programs scored", "scored"], became["programs scored", "raised"]
    assert scored["what"] == failed["what"] == "programs scored"
    assert failed["example"] == "RuntimeError: not yet"
    assert failed["count"] > 0
    with open_reader(result.store) as reader:
        run = recorded(reader, result.run_id)
        events = list(reader.events(result.run_id))
        assert not run_problems(result.run_id, events, reader.text, lambda _: True, _studies())
        for shown in (str(result), as_text(run_page(run))):
            assert "What became of all replies, programs and improver runs" in shown
            rows = [line for line in shown.splitlines() if "RuntimeError: not yet" in line]
            row = next(line for line in rows if "programs scored" in line)
            assert f" raised {failed['count']} " in " ".join(row.split())
    stored = find_run(result.store, result.run_id, everything=True)
    assert not core_thread.run(replay_run(stored, [task()], rescore=False))["differences"]


def _studies() -> Any:
    from selftaught.studies.registry import studies

    return studies()


def test_a_description_that_no_prompt_can_hold_is_refused(tmp_path: Path) -> None:
    long = task(description="x" * 2000)
    store = f"sqlite:///{tmp_path}/store.db"
    for begun in (st.improve, st.self_improve):
        with pytest.raises(ConfigError, match=r"bytes, and a prompt may have 1,024: give"):
            begun(long, store=store, prompt_kb=1)
    short = task(description="x")
    with pytest.raises(ConfigError, match=r"the meta-utility: .* or --prompt-kb \d"):
        st.self_improve(short, store=store, prompt_kb=1)
    assert not [*tmp_path.iterdir()]


BROKEN = {
    "its syntax": ("def improve_algorithm(:\n", ConfigError, "does not load: syntax"),
    "no such function": ("x = 1\n", ConfigError, "does not load: no_code"),
    "a module": ("import csv\n", ConfigError, "no module 'csv'"),
    "raises at once": (
        "def improve_algorithm(initial_solution, utility, language_model):\n"
        "    raise KeyError('nope')\n",
        ImproverFailed,
        "before it asks the model anything (raised: KeyError: 'nope')",
    ),
}


@pytest.mark.parametrize("begun", [st.improve, st.self_improve])
@pytest.mark.parametrize("why", BROKEN)
def test_an_improver_that_cannot_run_is_an_error_and_no_result(
    tmp_path: Path, why: str, begun: Callable[..., Any]
) -> None:
    source, kind, said = BROKEN[why]
    (tmp_path / "mine.py").write_text(source)
    store = f"sqlite:///{tmp_path}/store.db"
    runs = {} if begun is st.improve else {"runs": {"search": 1, "val": 2, "test": 2}}
    with pytest.raises(kind) as told:
        begun(task(), improver=tmp_path / "mine.py", store=store, **runs)
    assert said in str(told.value)
    assert "\n" not in str(told.value)
    if kind is ConfigError:
        assert not (tmp_path / "store.db").exists()
        return
    with open_reader(store) as reader:
        run_id = reader.resolve_run("latest")
    assert f"selftaught show {run_id} --store {store} --trace" in str(told.value)
    stored = find_run(store, run_id, everything=True)
    replayed = core_thread.run(replay_run(stored, [task()], rescore=False))
    assert not replayed["differences"]


def test_an_improver_that_fails_after_it_has_found_something_keeps_it(tmp_path: Path) -> None:
    best = "def algorithm():\n    return 0.75\n"
    (tmp_path / "mine.py").write_text(
        "def improve_algorithm(initial_solution, utility, language_model):\n"
        f"    utility({best!r})\n"
        "    raise KeyError('nope')\n"
    )
    assert improved(tmp_path, task(), [FAILS], improver=tmp_path / "mine.py").source == best

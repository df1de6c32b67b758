"""Prompts hold no data and no secrets of a task's file, and the user is told so."""

from __future__ import annotations

import json
from pathlib import Path

from installed import selftaught

from journal_support import said
from selftaught.journal.events import LmCall
from selftaught.journal.reader import open_reader

TASK = """\
import selftaught as st

ANSWERS = ["north", "south"]  # hidden labels
API_TOKEN = "sk-live-12345678"
LIMIT = 17


def utility(program, rng, url="https://bob:hunter@example.org"):
    return float(program(LIMIT) in ANSWERS and len(API_TOKEN + url) > 0)


task = st.Task("mine", {seed!r}, utility, (0.0, 1.0))
"""
SEED = "def algorithm(x):\n    return 'east'\n"
TOLD = (
    "mine.py:4: API_TOKEN looks like a secret: the model is not shown it",
    "mine.py:8: url looks like a secret: the model is not shown it",
)


def test_what_is_shown_beforehand_is_what_the_prompts_hold(here: Path) -> None:
    (here / "mine.py").write_text(TASK.format(seed=SEED))
    (here / "texts.json").write_text(json.dumps([f"```python\n{SEED.replace('east', 'north')}```"]))
    page = selftaught("tasks", "mine.py", cwd=here).stdout
    (task,) = json.loads(selftaught("tasks", "mine.py", "--json", cwd=here).stdout)["tasks"]
    done = selftaught(
        *("improve", "mine.py", "--model", "scripted:texts.json", "--lm-calls", "1", "--json"),
        cwd=here,
    )
    assert (done.code, json.loads(done.stdout)["best"]["test"]["mean"]) == (0, 1.0)
    for told in TOLD:
        assert done.stderr.count(told) == 1
        assert told in " ".join(page.split())
    with open_reader(f"sqlite:///{here / 'selftaught.db'}") as reader:
        calls = reader.events(json.loads(done.stdout)["run_id"], [LmCall])
        texts = reader.texts({said(event)["system"] for event in calls}).values()
        asked = reader.texts({said(event)["user"] for event in calls}).values()
    assert texts
    assert all(task["description"] in text for text in texts)
    for text in (page, done.stdout, task["description"], *texts, *asked):
        assert not [one for one in ("south", "sk-live", "hunter") if one in text]
    assert "LIMIT = 17" in task["description"]


def test_a_seed_that_holds_a_key_is_refused_before_anything_is_sent(here: Path) -> None:
    (here / "mine.py").write_text(TASK.format(seed=f"# sk-live-12345678\n{SEED}"))
    done = selftaught("improve", "mine.py", "--lm-calls", "1", cwd=here)
    assert done.code == 2
    assert "line 1 of the seed of task mine holds what looks like a secret" in done.stderr
    assert not list(here.glob("*.db"))

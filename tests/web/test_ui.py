"""The live page over HTTP: who may see it, what it shows, what it does, and what no text can do."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from journal_support import put
from made_journal import SEARCH_SAMPLES
from selftaught.analysis.trace import trace_run
from selftaught.analysis.trace_part import trace_part
from selftaught.core.errors import ConfigError
from selftaught.core.program import content_id
from selftaught.journal.codec import Event, as_json
from selftaught.journal.events import Evaluation
from selftaught.journal.journal import open_journal
from selftaught.journal.port import Journal
from selftaught.journal.reader import open_reader
from selftaught.journal.run_lock import hold_run
from selftaught.web.ui.access import token_of
from selftaught.web.ui.acts_page import asked_to_resume
from selftaught.web.ui.glance import KINDS, Glance
from ui_support import Page, Read, made, with_page

# --- who may see it -------------------------------------------------------------------------------


def test_without_its_token_nothing_is_shown_and_nothing_done(store: str, here: Path) -> None:
    async def test(page: Page) -> None:
        async with aiohttp.ClientSession() as stranger:
            for path in ("/", "/run/x", "/live", "/assets/ui.js", "/?token=", "/?token=abc"):
                async with stranger.get(page.base + path) as response:
                    assert response.status == 401
                    assert "Set-Cookie" not in response.headers
            wrong = {f"selftaught_{page.base.rpartition(':')[2]}": "é" * 40}
            async with stranger.get(page.base, cookies=wrong) as response:
                assert response.status == 401
            origin = {"Origin": page.base}
            async with stranger.post(f"{page.base}/start", headers=origin) as response:
                assert response.status == 401

    with_page(store, here, test)


def test_the_token_becomes_a_cookie_that_no_script_sees(store: str, here: Path) -> None:
    async def test(page: Page) -> None:
        async with aiohttp.ClientSession() as fresh:
            address = page.address.replace("/?", "/compare?run=a&")
            async with fresh.get(address, allow_redirects=False) as response:
                assert (response.status, response.headers["Location"]) == (303, "/compare?run=a")
                cookie = response.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie

    with_page(store, here, test)


def test_the_token_is_the_same_after_a_restart_and_another_for_each_store(here: Path) -> None:
    assert token_of("a") == token_of("a") != token_of("b")
    assert len(token_of("a")) == 40


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example:80"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, 403),
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, 200),
    ],
)
def test_pages_of_others_are_refused(
    headers: dict[str, str], status: int, store: str, here: Path
) -> None:
    async def test(page: Page) -> None:
        async with page.http.get(page.base, headers=headers) as response:
            assert response.status == status
        async with page.http.post(f"{page.base}/start", headers=headers) as response:
            assert response.status == (421 if status == 421 else 403)

    with_page(store, here, test)


def test_every_answer_forbids_itself_all_but_our_own_files(store: str, here: Path) -> None:
    async def test(page: Page) -> None:
        for path in ("/", "/nothing", "/assets/ui.js", "/assets/ui.css", "/assets/icon.svg"):
            async with page.http.get(page.base + path) as response:
                policy = response.headers["Content-Security-Policy"]
                assert policy.startswith("default-src 'none'")
                assert "unsafe" not in policy
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert response.headers["Cache-Control"] == "no-store"

    with_page(store, here, test)


# --- what it shows --------------------------------------------------------------------------------

SEED, BETTER = "def algorithm(x):\n    return x\n", "def algorithm(x):\n    return -x\n"
SEED_ID, BETTER_ID = content_id(SEED), content_id(BETTER)
TASK: dict[str, Any] = {"name": "flow_shop", "version": "11" * 8, "lowest": 0.0, "highest": 1.0}
PROMPT = f"Here is a program:\n```python\n{SEED}```\nImprove it."
USED = {"lm_calls": 1, "requests": 1, "samples": 2, "tokens_in": 5, "tokens_out": 7, "usd": 0.25}


def begin(
    journal: Journal, run_id: str, budget: dict[str, Any] | None = None, **changes: Any
) -> None:
    config = {"task": "flow_shop", "store": "sqlite:///x.db", "budget": budget or {"lm_calls": 4}}
    body = {"command": "improve", "config": config, "tasks": [TASK]} | changes
    put(journal, run_id, "run", run_id, body)
    place = {"task": "flow_shop", "stream": "search", "repeat": "r"}
    put(journal, run_id, "invocation", "i1", {"role": "improve", "improver": SEED_ID, **place})
    score(journal, run_id, SEED, 0.25, task=changes.get("tasks", [TASK])[0]["name"])


def score(journal: Journal, run_id: str, source: str, value: float | None, **more: Any) -> None:
    body = {
        **{"program": content_id(source), "task": "flow_shop", "stream": "search", "repeat": "r"},
        **{"task_version": "11" * 8, "kind": "scored" if value is not None else "raised"},
        **{"value": value, "detail": "", "feedback": "it took long", "per_instance": [0.5, 1.0]},
        **{"metrics": {}, "cpu_s": 0.1, "tier": "sealed"},
    }
    put(journal, run_id, "evaluation", f"e{content_id(source)}", body | more, [source])


def ask(journal: Journal, run_id: str, key: str = "c1", user: str = PROMPT, **more: Any) -> None:
    texts = {"system": content_id("You know."), "user": content_id(user)}
    body = {"invocation": "i1", **texts, **more}
    put(journal, run_id, "lm_call", key, body, ["You know.", user])


def answer(journal: Journal, run_id: str, replies: list[str], key: str = "c1", **more: Any) -> None:
    said = {"texts": [content_id(one) for one in replies], "usage": USED, "cost_usd": 0.25}
    put(journal, run_id, "lm_answer", key, {"invocation": "i1", **said, **more}, replies)


def read_replies(
    journal: Journal, run_id: str, programs: list[str | None], key: str = "c1"
) -> None:
    ids = [None if one is None else content_id(one) for one in programs]
    body = {"invocation": "i1", "call": key, "shown": SEED_ID, "programs": ids}
    whys = {"whys": ["no_program" if one is None else "" for one in programs]}
    texts = [one for one in programs if one is not None]
    put(journal, run_id, "replies", f"{key}{len(ids)}", body | whys, texts)


def end(journal: Journal, run_id: str, state: str = "budget") -> None:
    ended = {"program": BETTER_ID, "usage": USED}
    put(journal, run_id, "invocation_end", "i1", ended)
    put(journal, run_id, "run_end", run_id, {"state": state, "detail": "4 of 4", "usage": USED})


def test_an_empty_store_is_waited_for_and_its_first_run_appears(store: str, here: Path) -> None:
    async def test(page: Page) -> None:
        assert "No runs here yet" in (await page.get("/")).text
        made_soon = asyncio.create_task(asyncio.to_thread(_whole_run, store, "20260101-000000-aa"))
        async with asyncio.timeout(20):
            async for name, html in page.stream("/live"):
                if name == "runs" and "20260101-000000-aa" in html:
                    break
        await made_soon

    with_page(store, here, test)


def _whole_run(store: str, run_id: str, **changes: Any) -> None:
    journal = open_journal(store)
    begin(journal, run_id, **changes)
    ask(journal, run_id)
    answer(journal, run_id, [f"```python\n{BETTER}```", "nothing"])
    read_replies(journal, run_id, [BETTER, None])
    score(journal, run_id, BETTER, 0.75)
    end(journal, run_id)
    asyncio.run(journal.aclose())


def test_a_run_that_is_followed_ends_as_one_that_is_opened_late(store: str, here: Path) -> None:
    run_id = "20260101-000000-aa"
    journal = open_journal(store)
    begin(journal, run_id)
    steps: list[Callable[[], None]] = [
        lambda: ask(journal, run_id),
        lambda: put(journal, run_id, "notice", "n", {"detail": "the model takes no seed"}),
        lambda: answer(journal, run_id, [f"```python\n{BETTER}```", "nothing"]),
        lambda: read_replies(journal, run_id, [BETTER, None]),
        lambda: score(journal, run_id, BETTER, 0.75),
    ]

    async def write() -> None:
        for step in steps:
            await asyncio.sleep(0.6)
            step()
            await journal.flush()

    async def read(page: Page) -> dict[str, str]:
        """All parts, when it has ended."""
        parts: dict[str, str] = {}
        async with asyncio.timeout(60):
            async for name, html in page.stream(f"/live/run/{run_id}"):
                parts[name] = html
                if "4 of 4" in parts["state"] and "State: budget" in parts.get("page", ""):
                    break
        return parts

    followed: dict[str, str] = {}

    async def follow(page: Page) -> None:
        await journal.flush()
        reading = asyncio.create_task(read(page))
        with hold_run(store, run_id):
            await write()
            end(journal, run_id)
            await journal.aclose()
        followed.update(await reading)

    async def late(page: Page) -> None:
        assert await read(page) == followed
        shown = await page.whole(f"/run/{run_id}")
        assert "the model takes no seed" in shown.text
        assert "0.7500 on search, from 0.2500" in shown.text
        assert {"state", "curves", "open", "acts", "tree", "denied", "page"} <= {*shown.ids}

    with_page(store, here, follow)
    with_page(store, here, late)


def test_what_an_improver_run_waits_for_is_told(store: str, here: Path) -> None:
    run_id = "20260101-000000-aa"
    journal = open_journal(store)
    begin(journal, run_id)
    ask(journal, run_id)
    asyncio.run(journal.aclose())

    async def test(page: Page) -> None:
        with hold_run(store, run_id):
            text = (await page.whole(f"/run/{run_id}")).text
            assert "running" in text
            assert "the model, 2 responses, since" in text
            assert "Stop this run" in text
        assert "killed" in (await page.whole(f"/run/{run_id}")).text

    with_page(store, here, test)


def test_runs_are_found_filtered_and_sorted(store: str, here: Path) -> None:
    _whole_run(store, "20260101-000000-aa")
    _whole_run(store, "20260102-000000-bb", model="openai:gpt-5", budget={"usd": 2.0})

    async def test(page: Page) -> None:
        first = (await page.get("/")).text
        assert first.index("20260102-000000-bb") < first.index("20260101-000000-aa")
        assert "0.25 of 2.00 USD" in first.replace("0.2500", "0.25")
        found = (await page.get("/?q=GPT-5+improve")).text
        assert "20260102-000000-bb" in found
        assert "20260101-000000-aa" not in found
        assert "No run is like that" in (await page.get("/?state=running")).text
        for sort in ("task", "state", "best", "spent", "rate", "<nonsense>"):
            assert "20260102-000000-bb" in (await page.get(f"/?sort={sort}&state=budget")).text

    with_page(store, here, test)


def test_a_program_is_shown_with_its_parents_its_scores_and_its_prompt(
    store: str, here: Path
) -> None:
    _whole_run(store, "20260101-000000-aa")

    async def test(page: Page) -> None:
        shown = await page.get(f"/program/{BETTER_ID[:8]}")
        assert "What changed from parent" in shown.text
        assert "+ return -x" in shown.text
        assert "0.5000, 1.0000" in shown.text
        assert "it took long" in shown.text
        there = next(link for link in shown.links if "#reply-c1-1" in link)
        prompt = await page.whole(there.partition("#")[0])
        assert "reply-c1-1" in prompt.ids
        assert "Improve it." in prompt.text
        assert "no program" in prompt.text
        await page.get("/program/0123", 404)

    with_page(store, here, test)


def test_runs_side_by_side_tell_what_differs_and_no_login(store: str, here: Path) -> None:
    logins = {"base_url": "http://me:secret@127.0.0.1/v1", "patience": 3}
    _whole_run(store, "20260101-000000-aa")
    config = {"task": "flow_shop", "budget": {"lm_calls": 9}, **logins}
    _whole_run(store, "20260102-000000-bb", config=config)

    async def test(page: Page) -> None:
        text = (await page.get("/compare?run=20260101&run=20260102")).text
        assert "budget.lm_calls 4 9" in text
        assert "patience" in text
        assert "secret" not in text
        assert "the same program" in text
        assert "select 2 to 7" in (await page.get("/compare", 400)).text
        await page.get("/compare?run=1999", 404)

    with_page(store, here, test)


def test_a_tail_of_thousands_of_prompts_is_shown_in_small_pages(store: str, here: Path) -> None:
    made(store, "search", "search", 40 * (SEARCH_SAMPLES + 2))
    with open_reader(store) as reader:
        whole, *others = trace_run(reader, "search").runs
        last = trace_part(reader, "search", 1, None, 3)
        middle = trace_part(reader, "search", 1, 11, 3)
        with pytest.raises(LookupError, match="has no improver run"):
            trace_part(reader, "search", len(others) + 2, None, 3)
    assert (last.first, last.calls) == (len(whole.calls) - 2, len(whole.calls))
    assert last.run.calls == whole.calls[-3:]
    assert middle.run.calls == whole.calls[10:13]
    assert (last.run.program, last.run.value) == (whole.program, whole.value)

    async def test(page: Page) -> None:
        end_of = await page.whole("/run/search/improver/1")
        of = len(whole.calls)
        assert f"calls {of - 11} to {of} of {of}" in end_of.text
        assert any(link.endswith(f"?from={of - 23}") for link in end_of.links)
        assert "Call 3:" in (await page.whole("/run/search/improver/1?from=3")).text
        tree = await page.get("/run/search/tree?from=201")
        assert "programs 201 to 400" in tree.text
        run = await page.whole("/run/search")
        assert "The whole tree" in run.text
        assert len(run.ids) == len(set(run.ids))

    with_page(store, here, test)


def test_a_run_that_cannot_be_told_hides_no_other(store: str, here: Path) -> None:
    old, odd, new = (f"2026010{day}-000000-aa" for day in (1, 2, 3))
    _whole_run(store, old)

    async def test(page: Page) -> None:
        journal = open_journal(store)
        stream = page.stream("/live")
        await anext(stream)
        put(journal, odd, "run", odd, {"command": "improve", "config": {}, "tasks": []})
        score(journal, odd, SEED, 0.5)
        begin(journal, new)
        async with asyncio.timeout(20):
            async for _, html in stream:
                if new in html:
                    break
        assert old in html
        await journal.aclose()

    with_page(store, here, test)


def test_what_was_scored_long_ago_is_not_kept_for_the_rate(store: str, here: Path) -> None:
    def scored(at: float, number: int) -> Event:
        body = Evaluation("p", "t", "search", "r", "v", "raised", None, "", "", (), {}, 0.0, "")
        return Event(number, "r", f"e{number}", at, body)

    glance = Glance("r")
    for number in range(1, 1001):
        glance.add(scored(float(number), number))
    assert len(glance._recent) == 31
    assert glance.scored_a_second == pytest.approx(31 / 30)


def test_a_budget_that_is_left_empty_stays_and_is_told(store: str, here: Path) -> None:
    journal = open_journal(store)
    begin(journal, "r", {"lm_calls": 4})
    asyncio.run(journal.aclose())
    glance = Glance("r")
    with open_reader(store) as reader:
        for event in reader.events("r", KINDS):
            glance.add(event)
    asked = asked_to_resume("r", glance, {"lm_calls": "", "usd": "0.5"})
    assert asked.arguments == ("resume", "r", "--usd=0.5")
    assert asked.told == "goes on with run r; cost: at most 4 Model calls more, 0.5 USD more"


def test_figures_are_saved_as_svg(store: str, here: Path) -> None:
    _whole_run(store, "20260101-000000-aa")

    async def test(page: Page) -> None:
        for name in ("samples", "dollars"):
            where = f"{page.base}/run/20260101/{name}.svg"
            async with page.http.get(where) as response:
                assert response.content_type == "image/svg+xml"
                said = await response.text()
                assert said.startswith("<svg")
                assert "http://www.w3.org/2000/svg" in said
                assert "<style>" in said
        await page.get("/run/20260101/learning.svg", 404)

    with_page(store, here, test)


def test_a_store_of_the_previous_version_opens(here: Path) -> None:
    database = sqlite3.connect(here / "old.db")
    database.executescript(
        (Path(__file__).parents[1] / "store" / "schema_1.sql").read_text("utf-8")
    )
    (run_id,) = database.execute("SELECT run_id FROM events LIMIT 1").fetchone()
    database.close()

    async def test(page: Page) -> None:
        assert run_id in (await page.get("/")).text
        text = (await page.whole(f"/run/{run_id}")).text
        assert "Learning curve" in text
        assert "t = 1" in text

    with_page(f"sqlite:///{here}/old.db", here, test)


def test_what_is_no_store_is_refused(here: Path) -> None:
    (here / "text.db").write_text("no database\n")
    with pytest.raises(ConfigError, match=r"text\.db"):
        with_page(f"sqlite:///{here}/text.db", here, lambda page: asyncio.sleep(0))


# --- hostile texts --------------------------------------------------------------------------------

HOSTILE = (
    '</script><script>alert(1)</script><img src=x onerror="alert(2)">\x00\x1b[31m\u202eevil\u2066'
    "'\"><svg/onload=alert(3)>&lt;b&gt;{{7*7}}</pre></code></details></main></body></html>\ud800"
)


def test_hostile_texts_are_shown_and_change_nothing(store: str, here: Path) -> None:
    run_id, huge = "20260101-000000-aa", f"# {HOSTILE}{'x' * 2_000_000}\n"
    journal = open_journal(store)
    bad = {"detail": HOSTILE, "feedback": HOSTILE, "printed": HOSTILE}
    place = {"task": HOSTILE, "stream": "search", "repeat": "r"}
    task = {**TASK, "name": HOSTILE}
    begin(journal, run_id, model=HOSTILE, tasks=[task], tier=HOSTILE, started=HOSTILE)
    put(journal, run_id, "invocation", "i2", {"role": HOSTILE, "improver": SEED_ID, **place})
    put(journal, run_id, "notice", "n", {"detail": HOSTILE})
    put(journal, run_id, "phase", "p", {"name": HOSTILE})
    ask(journal, run_id, user=f"{HOSTILE}\n{PROMPT}", note=HOSTILE, model=HOSTILE)
    replies = [f"{HOSTILE}\n```python\n{huge}```", HOSTILE]
    answer(journal, run_id, replies, model=HOSTILE, finishes=[HOSTILE, ""])
    answer(journal, run_id, [], request=1, state=HOSTILE, detail=HOSTILE)
    read_replies(journal, run_id, [huge, None])
    score(journal, run_id, huge, None, **bad, kind=HOSTILE, task=HOSTILE)
    score(journal, run_id, f"{SEED}# {HOSTILE}", 0.5, **bad, task=HOSTILE)
    put(journal, run_id, "invocation_end", "i1", {"outcome": HOSTILE, "detail": HOSTILE})
    put(journal, run_id, "run_end", run_id, {"state": HOSTILE, "detail": HOSTILE})
    asyncio.run(journal.aclose())

    async def test(page: Page) -> None:
        paths = [
            *("/", f"/?q={run_id}", f"/run/{run_id}", f"/run/{run_id}/tree", "/start", "/acts"),
            *(f"/run/{run_id}/improvers", f"/run/{run_id}/improver/1"),
            *(f"/program/{content_id(huge)}", f"/compare?run={run_id}"),
        ]
        for path in paths:
            shown = await page.whole(path)
            assert len(shown.text) < 400_000, path
        assert "</script><script>alert(1)" in (await page.whole(f"/run/{run_id}")).text
        evil = "%3C/title%3E%3Cscript%3Ealert(1)%3C/script%3E%00"
        for path in (f"/run/{evil}", f"/program/{evil}", f"/{evil}", f"/compare?run={evil}"):
            await page.get(path, 404)
        assert evil[:3] not in (await page.get(f"/?q={evil}")).text
        async for name, html in page.stream(f"/live/run/{run_id}"):
            Read(html)
            if name == "page":
                break

    with_page(store, here, test)


# --- acts -----------------------------------------------------------------------------------------


def test_read_only_acts_on_nothing(store: str, here: Path) -> None:
    _whole_run(store, "20260101-000000-aa")

    async def test(page: Page) -> None:
        shown = await page.get("/run/20260101")
        assert "Go on with this run" not in shown.text
        assert not any(link.endswith(("/resume", "/stop", "/start")) for link in shown.links)
        for path in ("/start", "/run/20260101/stop", "/run/20260101/resume"):
            status, _ = await page.post(
                path, kind="improve", task="flow_shop", model="local:mutator"
            )
            assert status in (404, 405)
        await page.get("/start", 404)

    with_page(store, here, test, read_only=True)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"kind": "doctor"}, "what to do"),
        ({"task": "/etc/passwd"}, "is not offered"),
        ({"task": "../other.py"}, "is not offered"),
        ({"task": "plain.py"}, "is not offered"),
        ({"task": "--help"}, "is not offered"),
        ({"task": ""}, "is not offered"),
        ({"model": "nobody:x"}, "PROVIDER:NAME"),
        ({"model": "gguf:/etc/passwd"}, "no files"),
        ({"improver": "/etc/passwd"}, "is not offered"),
        ({"lm_calls": "many"}, "whole number"),
        ({"usd": "-1"}, "number"),
        ({"usd": "nan"}, "number"),
        ({"seed": "1.5"}, "whole number"),
    ],
)
def test_a_form_starts_nothing_that_it_did_not_offer(
    form: dict[str, str], said: str, store: str, here: Path
) -> None:
    (here / "plain.py").write_text("print('no task')\n")

    async def test(page: Page) -> None:
        whole = {"kind": "improve", "task": "flow_shop", "model": "local:mutator"} | form
        status, told = await page.post("/start", **whole)
        assert status == 400
        assert said in told
        assert "Nothing was done" in (await page.get("/acts")).text

    with_page(store, here, test)


def test_a_run_is_estimated_started_and_gone_on_with(store: str, here: Path) -> None:
    (here / "mine.py").write_text(
        "import selftaught as st\n\n\ndef utility(program, rng):\n"
        "    return float(program(1) == 2)\n\n\nseed = 'def algorithm(x):\\n    return x'\n"
        "task = st.Task(name='mine', seed=seed, utility=utility, range=(0.0, 1.0))\n"
    )
    form = {"kind": "improve", "model": "local:mutator", "lm_calls": "1"}

    async def test(page: Page) -> None:
        assert "mine.py" in (await page.get("/start")).text
        status, where = await page.post("/start", task="mine.py", act="estimate", **form)
        assert status == 303
        text = await page.acted(where)
        assert "spent: nothing" in text
        assert "No runs here yet" in (await page.get("/")).text
        _, where = await page.post("/start", task="mine.py", act="start", **form)
        text = await page.acted(where)
        assert "cost: at most Model calls 1" in text
        assert "selftaught improve ./mine.py --model=local:mutator --lm-calls=1" in text
        run_id = next(one for one in (await page.get(where)).links if one.startswith("/run/"))
        assert "Go on with this run" in (await page.whole(run_id)).text
        _, where = await page.post(f"{run_id}/resume", lm_calls="2")
        text = await page.acted(where)
        assert "at most 1 Model calls more" in text
        assert "2 of 2" in (await page.whole(run_id)).text
        _, where = await page.post(f"{run_id}/stop")
        assert "is not running" in await page.acted(where)
        assert "exit code 2" in (await page.get("/acts")).text

    with_page(store, here, test)


# --- the command ----------------------------------------------------------------------------------


def _started(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "selftaught", *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_prints_its_address_and_ends_on_ctrl_c(here: Path) -> None:
    process = _started("ui", "--port", "0", cwd=here)
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], 60)
    assert ready
    address = process.stdout.readline()
    assert address.startswith("http://127.0.0.1:")
    assert "/?token=" in address
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (0, "")


def test_a_page_beside_a_run_ends_with_it(here: Path) -> None:
    arguments = ("improve", "flow_shop", "--lm-calls", "1", "--ui", "--json")
    done = subprocess.run(
        [sys.executable, "-m", "selftaught", *arguments],
        cwd=here,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert done.stdout.startswith("{")
    assert "watch it at http://127.0.0.1:" in done.stderr
    assert "the page ends with this command" in done.stderr


def test_a_wrong_store_is_one_line(here: Path) -> None:
    done = _started("ui", "--store", "mysql://me:secret@host/db", cwd=here)
    _, said = done.communicate(timeout=60)
    assert done.returncode == 2
    assert said.count("\n") == 1
    assert "secret" not in said


def test_events_of_some_programs_are_read_alone(store: str, here: Path) -> None:
    made(store, "run", "improve", 200)
    with open_reader(store) as reader:
        every = list(reader.events("run", (Evaluation,)))
        wanted = {next(one.body.text_ids()) for one in every[3:6]}
        found = [*reader.events("run", (Evaluation,), of_programs=wanted)]
    assert found == [one for one in every if wanted & {*one.body.text_ids()}]
    assert found
    assert as_json(found[0].body)

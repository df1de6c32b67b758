"""The tree of a run: each prompt, each reply and each score stands where it belongs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from handmade_journal import KILLED_RUN, run_body, usage

import journal_support
from selftaught.analysis.trace import RunTrace, trace_run
from selftaught.core.program import content_id
from selftaught.journal.journal import open_journal
from selftaught.journal.reader import JournalReader, open_reader

RUN = "20261124-1000-cafe"
GOOD, BAD = "def algorithm(x):\n    return 1", "def algorithm(x):\n    return 1 / 0"
REPLIES = (f"Try this:\n```python\n{GOOD}\n```", f"```python\n{BAD}\n```", "I cannot help")
IMPROVER = "def improve_algorithm(s, u, m):\n    return s\n"
PLACE = {"task": "bin_packing", "stream": "search", "repeat": "val-0"}


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[RunTrace]:
    url = f"sqlite:///{tmp_path}/store.db"

    async def write() -> None:
        journal = open_journal(url)

        def put(kind: str, key: str, body: dict[str, object], *texts: str) -> None:
            journal_support.put(journal, RUN, kind, key, body, texts)

        improver = content_id(IMPROVER)
        put("run", RUN, run_body("run"))
        begun = {"role": "inner", "parent": "u", "improver": improver}
        put("invocation", "run-1", {**begun, **PLACE}, IMPROVER)
        elsewhere = {**PLACE, "repeat": "val-1"}
        put("invocation", "run-2", {**begun, **elsewhere})
        for key, invocation in (("call-1", "run-1"), ("call-2", "run-2")):
            prompt = {"system": content_id("expert"), "user": content_id("improve it")}
            asked = {"invocation": invocation, "request": 0, **prompt, "n": 3, "temperature": 0.5}
            put("lm_call", key, {**asked, "max_tokens": 9, "seeds": []}, "expert", "improve it")
        failed = {
            "invocation": "run-1",
            "request": 0,
            "state": "limited",
            "detail": "too many",
            "texts": [],
            "usage": usage(requests=1),
            "cost_usd": 0.0,
        }
        put("lm_answer", "call-1", failed)
        put("lm_call", "call-1", {**asked, "invocation": "run-1", "request": 1})
        answered = {
            "invocation": "run-1",
            "request": 1,
            "state": "answered",
            "detail": "",
            "texts": [content_id(text) for text in REPLIES],
            "model": "m",
            "usage": usage(tokens_in=5, tokens_out=7),
            "cost_usd": 0.25,
        }
        put("lm_answer", "call-1", answered, *REPLIES)
        for program, kind, value in ((GOOD, "scored", 0.75), (BAD, "raised", None)):
            scored = {"program": content_id(program), "kind": kind, "value": value, **PLACE}
            put("evaluation", content_id(program)[:20], scored, program)
        ended = {"outcome": "returned", "detail": "", "program": content_id(GOOD)}
        put("invocation_end", "run-1", {**ended, "utility_uses": 2, "usage": usage(), "cpu_s": 0})
        await journal.aclose()

    asyncio.run(write())
    with open_reader(url) as reader:
        yield trace_run(reader, RUN)


def test_each_reply_has_the_score_of_the_program_in_it(traced: RunTrace) -> None:
    (call,) = traced.runs[0].calls
    assert [reply.text for reply in call.replies] == list(REPLIES)
    assert [(reply.value, reply.outcome) for reply in call.replies] == [
        (0.75, "scored"),
        (None, "raised"),
        (None, "no program"),
    ]
    assert (call.system, call.user, call.tokens_out, call.cost_usd) == (
        "expert",
        "improve it",
        7,
        0.25,
    )


def test_what_was_returned_has_its_score_and_the_uses_that_it_took(traced: RunTrace) -> None:
    run = traced.runs[0]
    assert (run.outcome, run.program, run.value) == ("returned", content_id(GOOD), 0.75)
    assert run.utility_uses == 2


def test_what_was_not_answered_or_ended_is_open(traced: RunTrace) -> None:
    run = traced.runs[1]
    assert (run.outcome, run.repeat) == ("open", "val-1")
    assert [(call.state, call.replies) for call in run.calls] == [("open", [])]


def test_a_request_that_failed_is_told_with_the_call_that_made_another(traced: RunTrace) -> None:
    (call,) = traced.runs[0].calls
    assert (call.state, call.requests, call.failures) == ("answered", 2, ["limited: too many"])


def test_a_trace_is_json(traced: RunTrace) -> None:
    told = json.loads(json.dumps(traced.as_json()))
    assert told[0]["calls"][0]["replies"][0]["value"] == 0.75


def test_a_killed_run_has_a_trace(reader: JournalReader) -> None:
    assert trace_run(reader, KILLED_RUN).head.state == "killed"


def test_a_run_that_is_not_there_is_a_lookup_error(reader: JournalReader) -> None:
    with pytest.raises(LookupError):
        trace_run(reader, "nowhere")

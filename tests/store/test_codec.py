"""Bodies of events: what is read is what was written, to the byte."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from old_stores import SCHEMA_1

from journal_support import EXAMPLES
from selftaught.journal.codec import KINDS, NotOfItsForm, Other, decode, encode, from_json

VERSION_1 = Path(__file__).parent / "version_1" / "store.sql"
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)


def text_of(body: Any) -> str:
    """As journals were written before events had types."""
    return json.dumps(body, allow_nan=False, separators=(",", ":"))


def stored(script: Path) -> Iterator[tuple[str, str]]:
    database = sqlite3.connect(":memory:")
    database.executescript(script.read_text("utf-8"))
    yield from database.execute("SELECT kind, body FROM events")
    database.close()


def test_there_is_an_example_of_each_kind() -> None:
    assert EXAMPLES.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_written_as_it_was_read(kind: str) -> None:
    text = text_of(EXAMPLES[kind])
    assert encode(decode(kind, text)) == text
    assert decode(kind, text).kind == kind


@pytest.mark.parametrize("script", [SCHEMA_1, VERSION_1], ids=["schema 1", "version 1"])
def test_what_earlier_versions_stored_is_written_byte_for_byte_as_it_was(script: Path) -> None:
    of_today = [
        (kind, text)
        for kind, text in stored(script)
        if script == VERSION_1 or kind not in ("lm_call", "lm_answer")  # those are migrated
    ]
    assert len(of_today) > 50
    for kind, text in of_today:
        assert encode(decode(kind, text)) == text


@given(value=NUMBERS, samples=st.integers(), usd=NUMBERS)
def test_floats_and_integers_of_any_size_come_back_exactly(
    value: float, samples: int, usd: float
) -> None:
    usage = {**EXAMPLES["run_end"]["usage"], "samples": samples, "usd": usd}
    for kind, change in (
        ("evaluation", {"value": value, "per_instance": [value], "metrics": {"m": value}}),
        ("run_end", {"usage": usage, "wall_s": value}),
        ("lm_call", {"seeds": [samples], "temperature": value}),
        ("result", {"best": value}),
        ("of another version", {"value": value}),
    ):
        text = text_of({**EXAMPLES.get(kind, {}), **change})
        assert encode(decode(kind, text)) == text


@given(text=st.text(st.integers(0, 0x10FFFF).map(chr)), value=NUMBERS)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_what_is_read_at_once_is_what_is_read_field_by_field(
    ascii_only: bool, text: str, value: float
) -> None:
    """Halves of characters, which only one of the two parsers reads, among them."""
    body = {**EXAMPLES["evaluation"], "detail": text, "value": value, "metrics": {text: value}}
    said = json.dumps(body, ensure_ascii=ascii_only)
    assert decode("evaluation", said) == from_json("evaluation", body)


@pytest.mark.parametrize("kind", KINDS)
def test_fields_that_are_not_known_are_kept(kind: str) -> None:
    text = text_of({**EXAMPLES[kind], "of another version": [1, {"a": None}], "b": 2})
    assert encode(decode(kind, text)) == text


def test_fields_that_are_not_known_are_kept_in_the_parts_of_a_body() -> None:
    body = json.loads(text_of(EXAMPLES["audit_verdict"]))
    body["signs"][0]["column"] = 3
    body["trial"]["attempts"][0]["when"] = 0.5
    body["trial"]["cpu_s"] = 1.5
    text = text_of(body)
    assert encode(decode("audit_verdict", text)) == text


def test_a_kind_that_is_not_known_is_kept_whole() -> None:
    body = decode("of another version", '{"b":1,"a":[2]}')
    assert body == Other("of another version", {"b": 1, "a": [2]})
    assert encode(body) == '{"b":1,"a":[2]}'


@pytest.mark.parametrize(
    ("kind", "change", "what"),
    [
        ("lm_call", {"n": 2.0}, r"got `float` - at `\$\.n`"),
        ("lm_call", {"n": True}, r"got `bool` - at `\$\.n`"),
        ("evaluation", {"per_instance": ["x"]}, r"at `\$\.per_instance\[0\]`"),
        ("iteration", {"val": {"mean": 0.5, "n": 1}}, "missing required field `ci95`"),
        ("run_end", {"usage": {"usd": 0.0}}, "Expected `Usage of lm_calls, .*, got usd`"),
        ("result", {"usage": {}}, "Expected `Usage of lm_calls, "),
    ],
)
def test_a_body_of_another_form_is_refused_with_its_place(
    kind: str, change: dict[str, Any], what: str
) -> None:
    with pytest.raises(NotOfItsForm, match=f"^this {kind} is not of its form: .*{what}"):
        decode(kind, text_of({**EXAMPLES[kind], **change}))

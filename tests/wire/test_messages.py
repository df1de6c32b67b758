"""Whatever a guest sends, it is a message of the contract's form, or the guest's `bad_output`."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_strategies import data
from selftaught.core.errors import InfrastructureError
from selftaught.core.messages import (
    Answer,
    Asked,
    AttemptNotice,
    ClockRequest,
    EndedRequest,
    PromptRequest,
    RunCodeRequest,
    ScoreRequest,
    check_locked,
    parse_answer,
    parse_message,
)
from selftaught.core.outcome import Failed
from selftaught_guest import wire
from selftaught_guest.wire import WireError

PROMPT = {"op": "prompt", "expertise": "e", "messages": ["a", "b"], "n": 3, "temperature": 0.5}
FORMS: list[tuple[Any, object]] = [
    (("ok", [1.5]), Answer([1.5])),
    (("ready",), Answer(None)),
    (("failed", "memory", "why"), Answer(Failed("memory", "why"))),
    (("request", 7, PROMPT), Asked(7, PromptRequest("e", ("a", "b"), 3, 0.5))),
    (
        ("request", 7, {**PROMPT, "model": "m", "note": "why"}),
        Asked(7, PromptRequest("e", ("a", "b"), 3, 0.5, "m", "why")),
    ),
    (
        ("request", 0, {"op": "utility", "solutions": ["s", None]}),
        Asked(0, ScoreRequest(("s", None))),
    ),
    (("request", 1, {"op": "clock"}), Asked(1, ClockRequest())),
    (("request", 9, {"op": "ended"}), Asked(9, EndedRequest())),
    (
        ("request", 1, {"op": "run_code", "code": "c", "use_sandbox": True}),
        Asked(1, RunCodeRequest("c", True)),
    ),
    (
        ("request", 1, {"op": "attempt", "kind": "k", "detail": "d"}),
        Asked(1, AttemptNotice("k", "d")),
    ),
]


@pytest.mark.parametrize(("form", "message"), FORMS, ids=lambda value: type(value).__name__)
def test_a_form_of_the_contract_is_its_message(form: Any, message: object) -> None:
    assert parse_message(form) == message


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Each place in a value, by its path."""
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, (list, tuple)):
        inner = enumerate(value)
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def changed(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    """The same with something else in one place."""
    if not path:
        return other
    inner = changed(value[path[0]], path[1:], other)
    if isinstance(value, tuple):
        return (*value[: path[0]], inner, *value[path[0] + 1 :])
    copied = copy.copy(value)
    copied[path[0]] = inner
    return copied


ARRAYS = [np.array([1, 2]), np.array([]), np.array(True), np.float64(0.5), np.int64(3)]
ODD = st.one_of(
    data,
    st.sampled_from(ARRAYS),
    st.sampled_from([True, float("nan"), 2**600, -1, "ok", "utility", [], {}, (), b"utility"]),
)


@st.composite
def almost_right(draw: st.DrawFn) -> Any:
    """A form of the contract with something else in one place or two, or keys too many or few."""
    value, _ = draw(st.sampled_from(FORMS))
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(places(value)))
        value = changed(value, path, draw(ODD))
    if draw(st.booleans()):
        tables = [path for path in places(value) if isinstance(at(value, path), dict)]
        if tables:
            path = draw(st.sampled_from(tables))
            table = dict(at(value, path))
            if table and draw(st.booleans()):
                del table[draw(st.sampled_from(list(table)))]
            else:
                table[
                    draw(st.one_of(st.text(max_size=3), st.integers(), st.binary(max_size=2)))
                ] = draw(ODD)
            value = changed(value, path, table)
    return value


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


@given(st.one_of(data, almost_right()))
@settings(max_examples=250)
def test_no_frame_of_whatever_shape_raises_anything_but_that_it_is_none_of_the_contracts(
    value: Any,
) -> None:
    arrived = wire.unpack(wire.pack(value)[wire.HEADER.size :])
    for parse in (parse_message, parse_answer):
        try:
            assert isinstance(parse(arrived), (Asked, Answer))
        except WireError:
            pass
    try:
        check_locked(arrived)
    except InfrastructureError:
        pass


NEAR = {
    "an operation that is an array": ("request", 1, {"op": np.array([1, 2])}),
    "an operation that there is not": ("request", 1, {"op": "ledger"}),
    "a number that is a truth value": ("request", True, {"op": "clock"}),
    "a number below 0": ("request", -1, {"op": "clock"}),
    "a number that no reply could hold": ("request", 2**63, {"op": "clock"}),
    "a field too many": ("request", 1, {"op": "clock", "s": 1.0}),
    "a field too few": ("request", 1, {"op": "utility"}),
    "a key that is no text": ("request", 1, {"op": "clock", 1: 2}),
    "texts as a tuple": ("request", 1, {"op": "utility", "solutions": ("s",)}),
    "a text that is a number": ("request", 1, {"op": "utility", "solutions": [1]}),
    "a count that is a truth value": ("request", 1, {**PROMPT, "n": True}),
    "a temperature that is an integer": ("request", 1, {**PROMPT, "temperature": 1}),
    "a temperature of numpy's": ("request", 1, {**PROMPT, "temperature": np.float64(1)}),
    "a list instead of a tuple": ["request", 1, {"op": "clock"}],
    "a failure of a kind that there is not": ("failed", "host", "x"),
    "a failure whose kind is an array": ("failed", np.array(["a"] == ["a"]), "x"),
    "a request with more behind it": ("request", 1, {"op": "clock"}, 0),
    "an answer with nothing": ("ok",),
}


@pytest.mark.parametrize("form", NEAR.values(), ids=NEAR.keys())
def test_what_is_nearly_of_the_contracts_form_is_refused(form: Any) -> None:
    with pytest.raises(WireError):
        parse_message(form)

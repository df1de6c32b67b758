"""What an SDK's error means, where the words alone decide."""

from __future__ import annotations

from typing import Any

import pytest

from selftaught.models.faults import hidden, hide_in, read_fault, refused_parameter, retry_after_s


class Refusal(Exception):
    """An SDK's status error, as far as it is read."""

    def __init__(self, status: int, message: str, **body: Any) -> None:
        super().__init__(f"Error code: {status} - {message}")
        self.status_code = status
        self.body = {"message": message, **body}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 40.0),
    ],
)
def test_a_time_to_wait_comes_in_seconds_milliseconds_or_as_a_date(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_s(headers, now_s=60.0) == seconds


@pytest.mark.parametrize(
    ("message", "sent", "name"),
    [
        (
            "Unsupported value: 'temperature' does not support 0.7",
            ["n", "temperature"],
            "temperature",
        ),
        ("temperature is deprecated for this model", ["n", "temperature"], "temperature"),
        ("max_tokens is not supported", ["max_tokens", "n"], "max_tokens"),
        ("`n` must be 1", ["n", "seed"], "n"),
        ("n people were harmed", ["n"], None),
        ("you may not seed the clouds", ["seed"], None),
        ("messages must not be empty", ["n", "seed", "temperature"], None),
    ],
)
def test_a_refused_parameter_is_told_from_words_that_only_look_like_it(
    message: str, sent: list[str], name: str | None
) -> None:
    assert refused_parameter(Refusal(400, message), sent) == name
    assert refused_parameter(Refusal(500, message), sent) is None


def test_a_parameter_that_the_provider_names_is_believed_if_it_was_sent() -> None:
    assert refused_parameter(Refusal(400, "no", param="seed"), ["seed"]) == "seed"
    assert refused_parameter(Refusal(400, "no", param="seed"), ["n"]) is None


def test_secrets_are_hidden_and_long_words_are_cut() -> None:
    failure = read_fault(
        Refusal(401, "bad key sk-1 " + "x" * 9000), name="openai:m", secrets=["sk-1"]
    )
    assert str(failure).startswith("openai:m: HTTP 401: bad key *** xxx")
    assert len(str(failure)) < 600
    assert hidden("a sk-1 b sk-1", ["sk-1"]) == "a *** b ***"


@pytest.mark.parametrize(
    ("status", "kind", "maybe_billed"),
    [
        (429, "limited", False),
        (500, "fault", False),
        (503, "fault", False),
        (529, "fault", False),
        (409, "fault", False),
        (408, "fault", True),
        (502, "fault", True),
        (504, "fault", True),
        (413, "prompt", False),
        (401, "rejected", False),
        (418, "rejected", False),
    ],
)
def test_each_status_has_a_meaning(status: int, kind: str, maybe_billed: bool) -> None:
    failure = read_fault(Refusal(status, "no"), name="m", secrets=())
    assert (failure.kind, failure.maybe_billed) == (kind, maybe_billed)


def test_words_that_servers_without_keys_are_given_for_one_stay_in_answers() -> None:
    text = "x = None  # none, EMPTY, sk-no-key"
    answer = {"choices": [{"text": text}]}
    hide_in(answer, ("none", "x", "EMPTY", "sk-no-key"))
    assert answer == {"choices": [{"text": text}]}
    hide_in(answer, ("sk-0123456789abcdef",))
    assert answer == {"choices": [{"text": text}]}
    said = {"choices": [{"text": "print('sk-0123456789abcdef')"}]}
    hide_in(said, ("sk-0123456789abcdef",))
    assert said == {"choices": [{"text": "print('***')"}]}

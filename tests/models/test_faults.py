"""What a provider's error means, where the words alone decide."""

from __future__ import annotations

from typing import Any

import pytest

from selftaught.models.faults import (
    ErrorInAnswer,
    ProviderError,
    hidden,
    hide_in,
    read_fault,
    refused_parameter,
    retry_after_s,
)


def refused(status: int, message: str, **body: Any) -> ProviderError:
    """An error of this status, with what is said in it."""
    said = {"message": message, **body}
    return ProviderError(f"Error code: {status} - {message}", status, said)


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
        ("Temperature must be 1 for this model.", ["seed", "temperature"], "temperature"),
        ("unsupported parameter: seed", ["seed"], "seed"),
        ("This model does not support seed", ["seed"], "seed"),
        ("seed: Extra inputs are not permitted", ["seed"], "seed"),
        ("Value error, n > 1 is not supported", ["n", "seed"], "n"),
        ("The parameter n must be 1", ["n"], "n"),
        ("n=3 is too many", ["n"], "n"),
        ("Only one completion choice is allowed", ["n", "seed"], "n"),
        ("Multiple candidates is not enabled for this model", ["n"], "n"),
        ("Max tokens is not a known option", ["max_tokens"], "max_tokens"),
        ("maxTokens: unknown field", ["max_tokens"], "max_tokens"),
        ("set seed or `n`, not both", ["n"], "n"),
        ("`top_p` and `temperature` cannot both be given", ["n", "temperature"], "temperature"),
        ("[{'loc': ['body', 'seed'], 'msg': 'Extra', 'input': 1}]", ["n", "seed"], "seed"),
        ("[{'loc': ['body', 'x'], 'input': {'n': 3, 'seed': 1}}]", ["n", "seed"], None),
        ("a nation's seeds, in temperate lands", ["n", "seed", "temperature"], None),
        ("n people were harmed", ["n"], None),
        ("you may not seed the clouds", ["seed"], None),
        ("messages must not be empty", ["n", "seed", "temperature"], None),
    ],
)
def test_a_refused_parameter_is_told_from_words_that_only_look_like_it(
    message: str, sent: list[str], name: str | None
) -> None:
    assert refused_parameter(refused(400, message), sent) == name
    assert refused_parameter(refused(500, message), sent) is None


def test_a_parameter_that_the_provider_names_is_believed_if_it_was_sent() -> None:
    assert refused_parameter(refused(400, "no", param="seed"), ["seed"]) == "seed"
    assert refused_parameter(refused(400, "no", param="body.seed"), ["seed"]) == "seed"
    assert refused_parameter(refused(400, "no", param="seed"), ["n"]) is None


def test_a_list_of_what_is_wrong_names_the_parameter() -> None:
    refusal = refused(422, "")
    wrong = [
        {"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs", "input": 1}
    ]
    refusal.body = {"object": "error", "message": {"detail": wrong}}
    refusal.args = (f"Error code: 422 - {refusal.body}",)
    assert refused_parameter(refusal, ["n", "seed"]) == "seed"


@pytest.mark.parametrize("status", [400, 403, 429])
@pytest.mark.parametrize(
    "words",
    [
        "Insufficient Balance",
        "Your account is suspended due to insufficient balance, please recharge",
        "Insufficient credits. Add more on your page of credits",
        "Insufficient account funds",
        "Your credit balance is too low to access the API",
        "余额不足或无可用资源包,请充值",
    ],
)
def test_an_account_without_money_is_no_rate_limit_and_no_refusal_of_a_prompt(
    words: str, status: int
) -> None:
    failure = read_fault(refused(status, words), name="m", secrets=())
    assert (failure.kind, failure.status) == ("rejected", 402)
    assert f"HTTP {status}: {words}" in str(failure)


def test_a_rate_limit_that_speaks_of_quota_and_billing_is_one() -> None:
    said = (
        "You exceeded your current quota, please check your plan and billing details. Retry in 3s"
    )
    assert read_fault(refused(429, said), name="m", secrets=()).kind == "limited"


@pytest.mark.parametrize(
    ("answer", "kind", "maybe_billed", "said"),
    [
        (
            {"error": {"code": 429, "message": "Slow down"}},
            "limited",
            False,
            "error 429: Slow down",
        ),
        ({"error": {"code": "rate_limit_exceeded"}}, "limited", False, "error 429"),
        ({"code": 1302, "msg": "Rate limit reached"}, "limited", False, "Rate limit reached"),
        ({"error": {"type": "overloaded_error"}}, "fault", False, "error 503"),
        ({"error": {"code": 502, "message": "Bad"}}, "fault", True, "error 502: Bad"),
        ({"error": {"status": "401", "message": "Who?"}}, "rejected", False, "error 401: Who?"),
        ({"error": {"message": "insufficient balance"}}, "rejected", False, "insufficient balance"),
        ({"error": "It broke"}, "fault", True, "answered with an error: It broke"),
        ({"choices": None}, "fault", True, "neither choices nor content"),
    ],
)
def test_an_error_in_an_answer_is_read_as_one_of_its_status(
    answer: dict[str, Any], kind: str, maybe_billed: bool, said: str
) -> None:
    failure = read_fault(ErrorInAnswer(answer), name="m", secrets=())
    assert (failure.kind, failure.maybe_billed) == (kind, maybe_billed)
    assert said in str(failure)


def test_secrets_are_hidden_and_long_words_are_cut() -> None:
    failure = read_fault(
        refused(401, "bad key sk-1 " + "x" * 9000), name="openai:m", secrets=["sk-1"]
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
    failure = read_fault(refused(status, "no"), name="m", secrets=())
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

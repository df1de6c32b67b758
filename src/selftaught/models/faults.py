"""What an error of a provider's means: a status, an error in place of an answer, or no answer."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from selftaught.core.errors import FailureOfRequest, ModelFailure

_LONGEST_MESSAGE = 500
# Statuses of a gateway that gave up waiting: what lies behind it may have answered, and billed.
_MAYBE_ANSWERED = {408, 502, 504, 520, 522, 524}
# What aiohttp calls it when there was no connection.
_NEVER_SENT = {"ClientConnectorError", "ConnectionTimeoutError"}
_REJECTED = {400, 401, 402, 403, 404, 405, 422}
# An account without money, in the words of several providers; also with status 429, and 400.
_SPENT = re.compile(
    r"insufficient[ _](?:account[ _])?(?:quota|balance|credit|fund)|credit balance is too low"
    r"|billing_hard_limit_reached|exceeded_current_quota_error|out of credits|arrear|余额不足|欠费"
)
_PAYMENT_REQUIRED = 402
# What errors without a status are called; those of their kind have this one.
_STATUS_OF_WORDS = (
    (_PAYMENT_REQUIRED, _SPENT),
    (429, re.compile(r"rate.?limit|too many requests")),
    (503, re.compile(r"overloaded")),
    (404, re.compile(r"unexpected endpoint|not found")),
)
_ABOUT_THE_PROMPT = (
    "context_length_exceeded",
    "string_above_max_length",
    "maximum context length",
    "prompt is too long",
    "input is too long",
    "exceeds the available context size",
    "request_too_large",
    "content_policy_violation",
    "content_filter",
    "invalid_prompt",
)


class ProviderError(Exception):
    """No answer: a request that broke off, which is its cause, or one that was refused.

    Attributes:
        body: what came, as JSON where it is.
        status_code: None where there is none.
    """

    def __init__(
        self,
        said: str,
        status: int | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(said)
        self.status_code = status
        self.body = body
        self.headers = headers or {}

    @classmethod
    def of_status(cls, status: int, sent: bytes, headers: Mapping[str, str]) -> ProviderError:
        text = sent.decode("utf-8", "replace").strip()
        try:
            body: object = json.loads(text)
        except (ValueError, RecursionError):
            body = text
        said = " - ".join(filter(None, (f"Error code: {status}", text)))
        return cls(said, status, body, headers)


class ErrorInAnswer(ProviderError):
    """What came in place of an answer, with a status of success; its own is what it says itself."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__("neither choices nor content", body=answer)
        self.status_code = _status_in(self, answer)


def read_fault(error: ProviderError, *, name: str, secrets: Iterable[str]) -> ModelFailure:
    """The failure that it stands for.

    Args:
        secrets: what may stand in the provider's words, and must not in ours.
    """
    status = error.status_code
    message = message_of(error, secrets)
    if status is None:
        if isinstance(error, ErrorInAnswer):
            return broken_answer(name, f"with an error: {message}")
        return _without_answer(error, name, secrets)
    where = "HTTP 200 with error" if isinstance(error, ErrorInAnswer) else "HTTP"
    if 300 <= status < 400:
        place = hidden(error.headers.get("location", "nowhere"), secrets)
        message = f"it sends on to {place}, where no key may follow: name that by --base-url"
    words = f"{message} {code_of(error.body)}".lower()
    kind = _kind(status, words)
    is_spent = bool(_SPENT.search(words))
    return ModelFailure(
        f"{name}: {where} {status}: {message}",
        kind=kind,
        maybe_billed=status in _MAYBE_ANSWERED,
        retry_after_s=retry_after_s(error.headers) if kind in ("limited", "fault") else None,
        # One status for all of them: with 400 it would be taken for a refusal of the prompt.
        status=_PAYMENT_REQUIRED if is_spent else status,
    )


def broken_answer(name: str, what: str) -> ModelFailure:
    """An answer with which nothing can be done; it was made, and so may be billed."""
    return ModelFailure(f"{name} answered {what}", kind="fault", maybe_billed=True)


def refused_parameter(error: ProviderError, sent: Iterable[str]) -> str | None:
    """The parameter, of those that were sent, that a provider refuses; None if it is not that.

    It is the one that is named, else the one that is mentioned first.
    """
    if error.status_code not in (400, 422):
        return None
    listed = list(sent)
    named = re.split(r"\W", str(_inner(error.body).get("param")))[-1]
    if named in listed:
        return named
    # What some quote of the request mentions everything that was sent.
    message = re.split(r"\binput(?:_value)?['\"]?\s*[:=]", message_of(error))[0]
    found = [(match.start(), name) for name in listed if (match := _mention(name).search(message))]
    return min(found)[1] if found else None


def _mention(name: str) -> re.Pattern[str]:
    """How a parameter is mentioned in a sentence: a short name only where it cannot be a word."""
    word = re.escape(name).replace("_", "[ _-]?")
    if len(name) > 4:
        return re.compile(rf"\b{word}\b", re.IGNORECASE)
    before = "parameter|argument|param|field|option|keyword|value of|support|allow|accept|invalid"
    after = "parameter|param|argument|value|must|should|is|was|has|can|cannot|does|not|greater"
    forms = [rf"['\"`]{word}['\"`]", rf"(?:{before})\w*:?\s+{word}\b"]
    forms.append(rf"(?<![\w-]){word}\s*(?:[=:<>]|(?:{after})\b)")
    if name == "n":  # which some servers have no name for
        forms.append(
            r"\b(?:one|single|multiple|several|number of)\s+(?:\w+\s+)?"
            r"(?:choice|completion|candidate|response|sample|generation)s?\b"
        )
    return re.compile("|".join(forms), re.IGNORECASE)


def message_of(error: ProviderError, secrets: Iterable[str] = ()) -> str:
    """What the provider said, in one line, with no secret in it."""
    inner = _inner(error.body)
    said = next((inner[name] for name in ("message", "msg", "error") if inner.get(name)), None)
    text = said if isinstance(said, str) else str(error)
    # Hidden first: of a secret that was cut in two, half would be left.
    return hidden(" ".join(text.split()), secrets)[:_LONGEST_MESSAGE]


def code_of(body: object) -> str:
    """The provider's code and type of an error, as one text."""
    inner = _inner(body)
    return f"{inner.get('code') or ''} {inner.get('type') or ''}"


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret in it replaced."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


# Those of providers have 30 characters and more.
_SHORTEST_KEY = 16


def hide_in(answer: dict[str, Any], secrets: Iterable[str]) -> None:
    """Replace every secret in all texts of a JSON object, however deep they are.

    Not what servers without keys are given for one, such as `none`: programs hold such words.
    """
    secrets = tuple(secret for secret in secrets if len(secret) >= _SHORTEST_KEY)
    left: list[dict[Any, Any] | list[Any]] = [answer]
    while left:
        one = left.pop()
        for place, value in one.items() if isinstance(one, dict) else enumerate(one):
            if isinstance(value, str):
                one[place] = hidden(value, secrets)
            elif isinstance(value, (dict, list)):
                left.append(value)


def retry_after_s(headers: Mapping[str, str], now_s: float | None = None) -> float | None:
    """Seconds that the provider asks to wait (RFC 9110, 10.2.3), or None."""
    for header, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(header)
        if text is None:
            continue
        try:
            seconds = float(text) * unit_s
        except ValueError:
            try:
                seconds = parsedate_to_datetime(text).timestamp() - (now_s or time.time())
            except (TypeError, ValueError):
                continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    return None


def _kind(status: int, words: str) -> FailureOfRequest:
    if _SPENT.search(words):
        return "rejected"
    if status == 429:
        return "limited"
    if status == 413 or (status in _REJECTED and any(sign in words for sign in _ABOUT_THE_PROMPT)):
        return "prompt"
    if status in _REJECTED:
        return "rejected"
    return "fault" if status in (408, 409, 425) or status >= 500 else "rejected"


def _without_answer(error: ProviderError, name: str, secrets: Iterable[str]) -> ModelFailure:
    causes = list(_causes(error))
    kinds = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
    never_sent = bool(kinds & _NEVER_SENT)
    what = hidden(" ".join(str(causes[-1]).split()) or type(causes[-1]).__name__, secrets)
    where = "cannot be reached" if never_sent else "broke off"
    return ModelFailure(f"{name} {where}: {what}", kind="fault", maybe_billed=not never_sent)


def _causes(error: BaseException) -> Iterable[BaseException]:
    """The error, what caused it, and so on."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__


def _status_in(error: ErrorInAnswer, answer: Mapping[str, Any]) -> int | None:
    """The status that is said in there, or that the words stand for."""
    for part in (_inner(answer), answer):
        for said in (part.get("code"), part.get("status")):
            if re.fullmatch(r"[45]\d\d", str(said)):
                return int(str(said))
    words = f"{message_of(error)} {code_of(error.body)}".lower()
    return next((status for status, sign in _STATUS_OF_WORDS if sign.search(words)), None)


def _inner(body: object) -> Mapping[str, Any]:
    """The part of an error's body that says what is wrong."""
    if not isinstance(body, Mapping):
        return {}
    inner = body.get("error")
    return inner if isinstance(inner, Mapping) else body

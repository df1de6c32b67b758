"""Plans: which request gets which fault."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from model_server import contents, failures
from model_server.fault import Fault

Plan = Callable[[int, Mapping[str, Any]], Fault | None]
"""Asked for each request, with its number (from 0, by arrival) and body, on the server's thread."""

FAILURES: tuple[Fault, ...] = (
    failures.slow(),
    failures.trickle(),
    failures.rate_limited(),
    failures.rate_limited_retry_after(),
    failures.server_error(),
    failures.overloaded(),
    failures.gateway_timeout(),
    failures.drop_before_answer(),
    failures.drop_mid_body(),
    failures.malformed_json(),
    failures.not_json(),
    failures.other_json(),
    failures.null_choices(),
    failures.error_in_answer(),
    failures.never(),
)
"""What asking again may cure. Clients need a time limit of their own because of the last."""

ODD_ANSWERS: tuple[Fault, ...] = (
    contents.empty_choices(),
    contents.null_content(),
    contents.reasoning_only(),
    contents.redacted(),
    contents.parts(),
    contents.finish_length(),
    contents.content_filter(),
    contents.tool_calls(),
    contents.huge(),
    contents.lone_surrogates(),
    contents.fewer(),
    contents.more(),
    contents.duplicates(),
    contents.wrong_usage("missing"),
    contents.wrong_usage("null"),
    contents.wrong_usage("zero"),
    contents.wrong_usage("negative"),
    contents.wrong_usage("absurd"),
    contents.wrong_usage("strings"),
    contents.wrong_usage("words"),
    contents.wrong_usage("null_numbers"),
)
"""Answers that are not as asked for."""

ALL: tuple[Fault, ...] = FAILURES + ODD_ANSWERS
"""Every fault but the refusals, with its defaults."""


def none(number: int, body: Mapping[str, Any]) -> Fault | None:
    """The plan of a provider without faults."""
    return None


def always(fault: Fault) -> Plan:
    """The fault, every time."""
    return lambda number, body: fault


def sequence(faults: Sequence[Fault | None]) -> Plan:
    """One request each, in the order of their arrival; none after the last."""
    return lambda number, body: faults[number] if number < len(faults) else None


def at_random(rate: float, seed: int, faults: Sequence[Fault] = ALL) -> Plan:
    """A share of the requests gets one of the faults, each equally likely.

    Which ones follows from the seed and the request's number alone.
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"a rate is within 0 and 1, not {rate:g}")

    def plan(number: int, body: Mapping[str, Any]) -> Fault | None:
        chance = random.Random(f"{seed} {number}")
        return chance.choice(faults) if chance.random() < rate else None

    return plan

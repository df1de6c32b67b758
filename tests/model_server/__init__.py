"""A scripted provider of language models over real HTTP on loopback, with faults on demand.

For tests and benchmarks: it speaks OpenAI's chat completions (also
in Azure's form) and Anthropic's messages, misbehaves as told, and knows what it truly billed.

    from model_server import ModelServer, at_random, rate_limited, sequence

    with ModelServer(plan=sequence([rate_limited(), None])) as server:
        ...  # a client of server.base_url
    assert server.counts().billed_requests == 1

On its own: `PYTHONPATH=tests python -m model_server --fail 0.2 --seed 1 --latency 0.5`.
"""

from model_server.contents import (
    content_filter,
    duplicates,
    empty_choices,
    fewer,
    finish_length,
    huge,
    lone_surrogates,
    more,
    null_content,
    parts,
    reasoning_only,
    redacted,
    reported,
    tool_calls,
    wrong_usage,
)
from model_server.failures import (
    drop_before_answer,
    drop_mid_body,
    error_in_answer,
    gateway_timeout,
    malformed_json,
    never,
    not_json,
    null_choices,
    other_json,
    overloaded,
    rate_limited,
    rate_limited_retry_after,
    server_error,
    slow,
    trickle,
)
from model_server.fault import Fault
from model_server.ledger import Counts, Served
from model_server.plans import (
    ALL,
    FAILURES,
    ODD_ANSWERS,
    Plan,
    always,
    at_random,
    none,
    sequence,
)
from model_server.refusals import (
    bad_request,
    context_too_long,
    forbidden,
    insufficient_balance,
    insufficient_quota,
    not_found,
    prompt_filtered,
    refuses_parameter,
    refuses_value,
    unauthorized,
)
from model_server.replies import Reply, last_program
from model_server.server import ModelServer

__all__ = [
    "ALL",
    "FAILURES",
    "ODD_ANSWERS",
    "Counts",
    "Fault",
    "ModelServer",
    "Plan",
    "Reply",
    "Served",
    "always",
    "at_random",
    "bad_request",
    "content_filter",
    "context_too_long",
    "drop_before_answer",
    "drop_mid_body",
    "duplicates",
    "empty_choices",
    "error_in_answer",
    "fewer",
    "finish_length",
    "forbidden",
    "gateway_timeout",
    "huge",
    "insufficient_balance",
    "insufficient_quota",
    "last_program",
    "lone_surrogates",
    "malformed_json",
    "more",
    "never",
    "none",
    "not_found",
    "not_json",
    "null_choices",
    "null_content",
    "other_json",
    "overloaded",
    "parts",
    "prompt_filtered",
    "rate_limited",
    "rate_limited_retry_after",
    "reasoning_only",
    "redacted",
    "refuses_parameter",
    "refuses_value",
    "reported",
    "sequence",
    "server_error",
    "slow",
    "tool_calls",
    "trickle",
    "unauthorized",
    "wrong_usage",
]

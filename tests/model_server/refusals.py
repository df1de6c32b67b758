"""Refusals: errors that asking the same again does not cure. None is billed.

The words and codes are the providers' own, as their users quote them in public issues.
"""

from __future__ import annotations

from model_server.exchange import Question, Refusal
from model_server.fault import Fault


def bad_request(
    message: str = "Invalid request.", param: str | None = None, code: str | None = None
) -> Fault:
    """400 with these words."""
    refusal = Refusal(400, message, param=param, code=code)
    return Fault("bad_request", refuse=lambda question: refusal)


def unauthorized() -> Fault:
    """401 whose message repeats the whole key that was sent."""

    def refuse(question: Question) -> Refusal:
        said = f"Incorrect API key provided: {question.credential}. Check it and try again."
        return Refusal(401, said, code="invalid_api_key")

    return Fault("unauthorized", refuse=refuse)


def forbidden() -> Fault:
    """403: the key may not use the model."""

    def refuse(question: Question) -> Refusal:
        said = f"Project `proj_1` does not have access to model `{question.model}`"
        return Refusal(403, said, code="model_not_found")

    return Fault("forbidden", refuse=refuse)


def not_found() -> Fault:
    """404: there is no such model."""

    def refuse(question: Question) -> Refusal:
        if question.anthropic:
            return Refusal(404, f"model: {question.model}")
        said = f"The model `{question.model}` does not exist or you do not have access to it."
        return Refusal(404, said, code="model_not_found")

    return Fault("not_found", refuse=refuse)


def refuses_parameter(name: str, *, named: bool = True, message: str | None = None) -> Fault:
    """400 whenever the body has the parameter; otherwise no fault.

    Args:
        name: the parameter, such as `seed` or `max_tokens`.
        named: False leaves `param` and `code` out, so that only words tell.
        message: other words than the provider's.
    """

    def refuse(question: Question) -> Refusal | None:
        if name not in question.body:
            return None
        said = f"Unsupported parameter: '{name}' is not supported with this model."
        if name == "max_tokens":
            said += " Use 'max_completion_tokens' instead."
        if question.anthropic:
            said = f"{name}: Extra inputs are not permitted"
            if name in ("temperature", "top_p", "top_k"):
                said = f"`{name}` is deprecated for this model."
        return _about(name, message or said, "unsupported_parameter", named)

    return Fault(f"refuses_parameter_{name}", refuse=refuse)


def refuses_value(
    name: str, only: float = 1, *, named: bool = True, message: str | None = None
) -> Fault:
    """400 whenever the body has the parameter with another value; otherwise no fault.

    `refuses_value("temperature")` is a reasoning model, `refuses_value("n")` a server that makes
    one sample a request. Arguments as for `refuses_parameter`.
    """

    def refuse(question: Question) -> Refusal | None:
        value = question.body.get(name, only)
        if value == only:
            return None
        said = f"Unsupported value: '{name}' does not support {value} with this model."
        said += f" Only the default ({only:g}) value is supported."
        if question.anthropic:
            said = f"{name}: Input should be equal to {only:g}"
        return _about(name, message or said, "unsupported_value", named)

    return Fault(f"refuses_value_{name}", refuse=refuse)


def context_too_long(limit_tokens: int = 8192) -> Fault:
    """400 that the prompt is too long, whatever its length."""

    def refuse(question: Question) -> Refusal:
        sent = max(question.tokens_in, limit_tokens + 1)
        if question.anthropic:
            return Refusal(400, f"prompt is too long: {sent} tokens > {limit_tokens} maximum")
        said = f"This model's maximum context length is {limit_tokens} tokens. However, your "
        said += f"messages resulted in {sent} tokens. Please reduce the length of the messages."
        return Refusal(400, said, param="messages", code="context_length_exceeded")

    return Fault("context_too_long", refuse=refuse)


def prompt_filtered() -> Fault:
    """400 that a filter does not let this prompt pass, as Azure says it."""
    said = "The response was filtered due to the prompt triggering Azure OpenAI's content "
    said += "management policy. Please modify your prompt and retry."
    refusal = Refusal(400, said, param="prompt", code="content_filter")
    return Fault("prompt_filtered", refuse=lambda question: refusal)


def insufficient_quota() -> Fault:
    """The account has no money left: 429 at OpenAI, 400 at Anthropic."""

    def refuse(question: Question) -> Refusal:
        if question.anthropic:
            return Refusal(400, "Your credit balance is too low to access the Anthropic API.")
        said = "You exceeded your current quota, please check your plan and billing details."
        return Refusal(429, said, kind="insufficient_quota", code="insufficient_quota")

    return Fault("insufficient_quota", refuse=refuse)


def insufficient_balance(said: str = "Insufficient balance, please recharge.") -> Fault:
    """The same with 429, and nothing but words."""
    refusal = Refusal(429, said, terse=True)
    return Fault("insufficient_balance", refuse=lambda question: refusal)


def _about(name: str, message: str, code: str, named: bool) -> Refusal:
    if not named:
        return Refusal(400, message, terse=True)
    return Refusal(400, message, param=name, code=code)

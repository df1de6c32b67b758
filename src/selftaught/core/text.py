"""Text from outside: what utilities and providers say."""

from __future__ import annotations


def clean(text: str) -> str:
    """The text with question marks for lone surrogates, which are no text to anybody else.

    JSON of providers and strings of Python can hold them; frames and files cannot.
    """
    return text.encode("utf-8", "replace").decode()

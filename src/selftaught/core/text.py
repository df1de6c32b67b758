"""Text from outside: what utilities and providers say."""

from __future__ import annotations

import re


def clean(text: str) -> str:
    """The text with question marks for lone surrogates, which are no text to anybody else.

    JSON of providers and strings of Python can hold them; frames and files cannot.
    """
    return text.encode("utf-8", "replace").decode()


def one_line(text: str) -> str:
    """The text with every run of white space, line ends included, as one blank."""
    return " ".join(text.split())


def without_passwords(text: str) -> str:
    """The text with the passwords of URLs in it as `***`."""
    return re.sub(r"://([^/@\s:]*):\S*@", r"://\1:***@", text)

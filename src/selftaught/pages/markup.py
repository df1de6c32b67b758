"""Markup that cannot be other than safe: what is not made here is text, and is written as text."""

from __future__ import annotations

from html import escape

from selftaught.pages.text import printable

_VOID = frozenset(("br", "input", "link", "meta"))


class Html(str):
    """Markup that is safe as it stands: made by `tag`, or by a drawing of a page."""

    __slots__ = ()


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """An element.

    Args:
        children: markup, or anything else as text; None is nothing.
        attributes: `class_` is `class`, and `data_of` is `data-of`; True stands by itself, None and
            False are left out.
    """
    said = "".join(
        f" {_named(key)}" if value is True else f' {_named(key)}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{name}{said}>{'' if name in _VOID else f'{joined(*children)}</{name}>'}")


def joined(*children: object) -> Html:
    """Several, one after another."""
    return Html(
        "".join(one if isinstance(one, Html) else text(one) for one in children if one is not None)
    )


def text(value: object) -> Html:
    """Anything as text, with everything that could steer a page or the reading order escaped."""
    return Html(escape(printable(str(value))))


def _named(key: str) -> str:
    return key.rstrip("_").replace("_", "-")

"""What all pages have: the frame, links to things, and texts that are bounded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import quote, urlencode

from selftaught.analysis.run_head import RunHead
from selftaught.pages import words
from selftaught.pages.blocks import Facts, Listing, Table
from selftaught.pages.html import block_html
from selftaught.pages.markup import Html, joined, tag

Parts: TypeAlias = Mapping[str, Html]

# A page shows the beginning of what is longer: a model may have written megabytes.
MOST_CHARS = 20_000
_STATES = {"interrupted": "stopped"}


@dataclass(frozen=True, slots=True)
class View:
    """A page: what stands on it, and how its parts are drawn again as the store changes.

    Attributes:
        parts: by the id of the element that holds it.
        draw: the same anew; None for a page that does not change.
        path: of the stream of its parts.
    """

    title: str
    parts: Parts
    draw: Callable[[], Awaitable[Parts]] | None = None
    trail: Sequence[tuple[str, str]] = field(default_factory=tuple)


def document(view: View, stream: str, store: str, *, acts: bool) -> Html:
    """A whole page.

    Args:
        stream: where its parts come from as they change; empty for one that does not.
        acts: whether anything can be done from here.
    """
    trail = [tag("li", tag("a", name, href=href)) for name, href in view.trail]
    crumbs = tag("nav", tag("ol", *trail), aria_label="Where this is") if trail else None
    links = [tag("a", "Runs", href="/")]
    if acts:
        links += [tag("a", "Start a run", href="/start"), tag("a", "Acts", href="/acts")]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{view.title} · selftaught"),
        tag("link", rel="icon", href="/assets/icon.svg"),
        *(tag("link", rel="stylesheet", href=f"/assets/{name}.css") for name in _STYLES),
        tag("script", src="/assets/ui.js", defer=True),
    )
    live = tag("p", "", id="live", role="status", data_stream=stream or None)
    body = tag(
        "body",
        tag("a", "To the content", href="#main", class_="skip"),
        tag("header", tag("nav", *links, aria_label="Pages"), tag("code", store), live),
        tag("main", crumbs, tag("h1", view.title), *_held(view.parts), id="main"),
        class_="selftaught",
    )
    return Html(f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}")


_STYLES = ("page", "blocks", "svg", "ui")


def _held(parts: Parts) -> list[Html]:
    return [tag("div", said, id=name, class_="part") for name, said in parts.items()]


def section(title: str, *children: object, name: str | None = None) -> Html:
    return tag("section", tag("h2", title, id=name), *children)


def place_of(task: str | None, stream: str | None, repeat: str | None) -> str:
    """On what an improver run works."""
    return " ".join(filter(None, (task or "meta-utility", stream, repeat)))


def run_link(run_id: str, said: str = "") -> Html:
    return tag("a", said or run_id, href=f"/run/{quote(run_id)}")


def program_link(program_id: str, run_id: str = "", said: str = "") -> Html:
    where = f"?{urlencode({'run': run_id})}" if run_id else ""
    return tag(
        "a", tag("code", said or program_id[: words.SHORT_ID]), href=f"/program/{program_id}{where}"
    )


def state_of(head: RunHead) -> str:
    return _STATES.get(head.state, head.state)


def state_mark(head: RunHead) -> Html:
    """A state, told by its word and by a shape, and coloured besides."""
    state = state_of(head)
    return tag("span", state, class_=f"state {state}")


def table(headings: Sequence[str], rows: Iterable[tuple[str, ...]], name: str) -> Html:
    """A table whose cells may be markup; the first cell of a row is what the others are of."""
    return block_html(Table("", tuple(headings), tuple(rows)), name)


def facts(*pairs: tuple[str, str]) -> Html:
    return block_html(Facts(pairs))


def listing(title: str, source: str, *, diff: bool = False, shown: bool = True) -> Html:
    """A text of somebody else's, as far as a page can hold it."""
    more = len(source) - MOST_CHARS
    rest = tag("p", f"{more:,} characters more are not shown.", class_="note") if more > 0 else None
    return joined(block_html(Listing(title, source[:MOST_CHARS], diff, shown)), rest)


def command(said: str, what: str = "The command that does the same:") -> Html:
    """What to type for the same."""
    copy = tag("button", "Copy", type="button", class_="copy", data_copy=said)
    return tag("p", what, " ", tag("code", said), " ", copy, class_="command")


def since(at: float, clock: str) -> Html:
    """A time that a page counts on from."""
    return tag("time", clock, data_since=f"{at:.1f}")


def pager(path: str, first: int, most: int, of: int, noun: str) -> Html | None:
    """Where there is more than a page of something."""
    if of <= most:
        return None
    last = min(of, first + most - 1)
    sign = "&" if "?" in path else "?"
    links = []
    if first > 1:
        links.append(tag("a", "earlier", href=f"{path}{sign}from={max(1, first - most)}"))
    if last < of:
        links.append(tag("a", "later", href=f"{path}{sign}from={last + 1}"))
    shown = f"{noun} {first:,} to {last:,} of {of:,}"
    return tag("p", shown, " ", *(joined(" ", one) for one in links), class_="pager")

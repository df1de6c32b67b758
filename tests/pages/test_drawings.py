"""One page, three drawings: all say the same, none obeys a text, and none cuts a number."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from selftaught.pages.blocks import (
    Facts,
    Figure,
    Listing,
    Page,
    Paragraph,
    SearchChart,
    Section,
    Table,
)
from selftaught.pages.figures import drawn_figures
from selftaught.pages.html import fragment, whole
from selftaught.pages.markdown import as_markdown
from selftaught.pages.terminal import as_text, draw_page

UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
ESTIMATES = ("0.5296\n[0.5273, 0.5319]", "-0.0001785\n[-0.0009464, +0.0005894]")
FIGURE = Figure(
    *("search", "figure title", ("figure note",), "figure caption", "figure alt"),
    SearchChart([{"calls": 1, "value": 0.5}], [{"calls": 1, "best": 0.5}]),
)


def page_of(text: str) -> Page:
    """Every block, with one text wherever a text can stand."""
    blocks = (
        Table(text, (text, "n"), ((text, "1"), ("row", text)), text),
        Facts((("name", text),), text),
        Listing(text, text),
        Listing("diff", f"--- a\n+++ b\n+{text}", is_diff=True),
        Paragraph(text, text),
        Paragraph(text, f"{text}\n{text}", is_alarm=True),
        FIGURE,
    )
    return Page(text, (text,), (Section("one", text, blocks), Section("two", "second", blocks[4:])))


def on_console(page: Page, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, markup=False)
    draw_page(console, page, wraps=True)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


class Shown(HTMLParser):
    """What a browser would show of a page, and the tags that it would obey."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(min_size=1, max_size=40))
def test_no_text_steers_a_drawing(text: str) -> None:
    page = page_of(text)
    html = fragment(page)
    for drawing in (
        as_text(page),
        html,
        whole(page, {}, ["a.csv"], text),
        as_markdown(page, [], text),
    ):
        assert not UNSAFE.search(drawing)
        drawing.encode()
    assert Shown(html).tags == Shown(fragment(page_of("x"))).tags


def test_all_drawings_say_the_same() -> None:
    words = [f"word{n}" for n in range(9)]
    table = Table(words[0], (words[1], "n"), ((words[2], "0.5"),), words[3])
    blocks = (
        table,
        Facts(((words[4], words[5]),)),
        Listing(words[6], words[7]),
        Paragraph(words[8]),
    )
    page = Page("title", ("lead",), (Section("s", "section", blocks),))
    for drawing in (
        as_text(page),
        fragment(page),
        whole(page, {}, [], ""),
        as_markdown(page, [], ""),
    ):
        found = re.findall(r"word\d", drawing)
        assert list(dict.fromkeys(found)) == words  # a table's title names its region, too
        assert "title" in drawing
        assert "lead" in drawing


@pytest.mark.parametrize("width", [30, 40, 50, 80, 120, 200])
def test_no_width_cuts_a_number_or_an_interval(width: int) -> None:
    rows = (("string_grid_distance", *ESTIMATES, "no difference shown"), ("  part", "1", "", "x"))
    table = Table("", ("task", "difference", "restarted", ""), rows)
    counts = Table(
        "", ("role", *("tokens in", "tokens out") * 3), (("a", *["1,234,567"] * 6),), "", True
    )
    text = on_console(Page("", (), (Section("s", "", (table, counts)),)), width)
    assert max(map(len, text.splitlines())) <= width
    for estimate in ESTIMATES:
        mean, interval = estimate.split("\n")
        assert mean in text
        assert interval in " ".join(text.split())
    assert text.count("1,234,567") == 6
    assert "task   part" not in text  # a part of the row above has no name of its own


def test_a_wide_terminal_has_mean_and_interval_in_one_line_and_a_narrow_one_a_line_each() -> None:
    table = Table("", ("task", "mean"), (("maxcut", ESTIMATES[0]),))
    page = Page("", (), (Section("s", "", (table,)),))
    assert "maxcut  0.5296 [0.5273, 0.5319]" in on_console(page, 40)
    assert "maxcut  0.5296\n        [0.5273, 0.5319]" in re.sub(" +\n", "\n", on_console(page, 27))
    assert on_console(page, 20).split() == ["task", "maxcut", "mean:", *ESTIMATES[0].split()]


def test_a_command_is_whole_at_any_width() -> None:
    command = "selftaught show 20261128-071101-1b3e --store sqlite:///" + "long/" * 30
    page = Page("", (), (Section("s", "", (Paragraph("more:", command),)),))
    assert f"more: {command}\n" in on_console(page, 40)


def test_a_titled_block_says_more_than_its_section_where_room_is_short() -> None:
    titled = Section("a", "general", (FIGURE, Table("precise", ("x",), (("1",),))))
    bare = Section("b", "only title", (Paragraph("said"),))
    page = Page("", (), (titled, bare))
    for drawing in (as_text(page), fragment(page)):
        assert "general" not in drawing
        assert "precise" in drawing
        assert "only title" in drawing
    assert "general" in whole(page, {}, [], "")


def test_a_figure_is_drawn_by_the_drawings_that_can() -> None:
    page = Page("", (), (Section("s", "", (FIGURE, Paragraph("said"))),))
    drawn = drawn_figures(page)
    assert 'alt="figure alt"' in fragment(page, drawn)
    assert "<img" not in fragment(page)
    assert "![figure alt](search.png)" in as_markdown(page, [], "")
    assert as_text(page) == "said"

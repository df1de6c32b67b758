"""What a page is made of: described once, and drawn for a terminal, as HTML and as Markdown.

Texts in it may come from a model or from somebody else's task: each drawing makes them safe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from selftaught.core.program import files_of

Rows: TypeAlias = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Table:
    """A table and a note below it. A drawing that has the room takes a line break in a cell for a
    blank; only the last column is ever wrapped.

    Attributes:
        counts: whether all columns but the first are numbers to be compared, set to the right.
    """

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    counts: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what they are."""

    rows: tuple[tuple[str, str], ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A program, or what changed in one.

    Attributes:
        is_open: whether it is shown before it is asked for, where that can be.
    """

    title: str
    text: str
    is_diff: bool = False
    is_open: bool = True

    @classmethod
    def of_program(cls, title: str, source: str, *, is_open: bool = True) -> tuple[Listing, ...]:
        """A program, file by file if it has several."""
        files = files_of(source)
        if files is None:
            return (cls(title, source, is_open=is_open),)
        return tuple(cls(f"{title}: {one}", text, is_open=is_open) for one, text in files.items())


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences, and commands to type, one a line. Paragraphs in a row stand together.

    Attributes:
        is_alarm: whether it must not be overlooked.
    """

    text: str
    command: str = ""
    is_alarm: bool = False


@dataclass(frozen=True, slots=True)
class CurveChart:
    """Meta-utility against t, and beside it improvers at equal samples.

    Attributes:
        points: {t, stream, mean, low, high}; bounds may be None.
        runs: {run, t, mean}, on test, a thin line each; none for a run by itself.
        arms: {arm, mean, low, high, final}; none where no baseline was measured.
    """

    points: Rows
    runs: Rows
    arms: Rows


@dataclass(frozen=True, slots=True)
class PanelsChart:
    """What each arm is worth, in units of its own in each panel.

    Attributes:
        panels: by what is written above a panel: {arm, mean, low, high, final}.
    """

    panels: Mapping[str, Rows]


@dataclass(frozen=True, slots=True)
class SearchChart:
    """The best value on search so far against model calls, and every program that was scored.

    Attributes:
        scored: {calls, value}, a dot each.
        best: {calls, best}, a step at each.
    """

    scored: Rows
    best: Rows


@dataclass(frozen=True, slots=True)
class StepsChart:
    """What arms are worth after so many samples, with bands, a panel for each task.

    Attributes:
        panels: by what is written above a panel: {arm, samples, mean, low, high}.
    """

    panels: Mapping[str, Rows]


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, for the drawings that can draw one; what it shows stands in tables, too.

    Attributes:
        name: of its files, without an ending; a lower-case word of our own.
        title, notes: written in it.
        caption: what it shows and how it is to be read.
        alt: what is seen on it, for those who do not see it.
    """

    name: str
    title: str
    notes: tuple[str, ...]
    caption: str
    alt: str
    chart: CurveChart | PanelsChart | SearchChart | StepsChart

    @property
    def files(self) -> tuple[str, str]:
        """Names of its PNG and its SVG."""
        return f"{self.name}.png", f"{self.name}.svg"


Block: TypeAlias = Table | Facts | Listing | Paragraph | Figure


@dataclass(frozen=True, slots=True)
class Sheet:
    """Numbers for a CSV file. `name` is that of the file, without an ending."""

    name: str
    columns: tuple[str, ...]
    rows: Rows

    @property
    def file(self) -> str:
        return f"{self.name}.csv"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page.

    Attributes:
        name: a lower-case word of our own, its place on the page and its key in JSON.
        title: left out by small drawings where the first block has one, which says more.
        data: the numbers behind the blocks, for JSON.
    """

    name: str
    title: str
    blocks: tuple[Block, ...]
    data: Any = None
    sheets: tuple[Sheet, ...] = ()

    @property
    def short_title(self) -> str:
        shown = [block for block in self.blocks if not isinstance(block, Figure)]
        titled = bool(shown) and bool(getattr(shown[0], "title", ""))
        return "" if titled else self.title


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that is shown of something.

    Attributes:
        lead: what came out, in a few sentences.
    """

    title: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]

    @property
    def figures(self) -> Iterator[Figure]:
        for section in self.sections:
            yield from (block for block in section.blocks if isinstance(block, Figure))

    @property
    def sheets(self) -> Iterator[Sheet]:
        for section in self.sections:
            yield from section.sheets

"""What a report is made of. It is described once; the drawings (HTML, Markdown) add no content.

Texts in it may come from a model or from somebody else's task: each drawing makes them safe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A table and a note below it. A line break in a cell stays one.

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


@dataclass(frozen=True, slots=True)
class Listing:
    """A program, or what changed in one.

    Attributes:
        is_open: whether it is shown before it is asked for.
    """

    title: str
    text: str
    is_diff: bool = False
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences, and commands to type, one a line."""

    text: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, as Vega-Lite.

    Attributes:
        name: of its files, without an ending; a lower-case word of our own.
        caption: what it shows and how it is to be read.
        alt: what is seen on it, for those who do not see it.
        wide, narrow: specifications of the same data, for a page and for a small screen.
    """

    name: str
    caption: str
    alt: str
    wide: Json
    narrow: Json


Block: TypeAlias = Table | Facts | Listing | Paragraph | Figure


@dataclass(frozen=True, slots=True)
class Sheet:
    """Numbers for a CSV file. `name` is that of the file, without an ending."""

    name: str
    columns: tuple[str, ...]
    rows: Sequence[Json]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report.

    Attributes:
        name: a lower-case word of our own, its place on the page and its key in JSON.
        data: the numbers behind the blocks, for JSON.
    """

    name: str
    title: str
    blocks: tuple[Block, ...]
    data: Any
    sheets: tuple[Sheet, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report.

    Attributes:
        run_id: of the run or the series.
        kind: the command that began it.
        lead: what came out, in a few sentences.
        files: texts to be kept beside the page, by name.
    """

    run_id: str
    kind: str
    title: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    version: str
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def figures(self) -> Iterator[Figure]:
        for section in self.sections:
            yield from (block for block in section.blocks if isinstance(block, Figure))

    @property
    def sheets(self) -> Iterator[Sheet]:
        for section in self.sections:
            yield from section.sheets

    def as_json(self) -> dict[str, Any]:
        """The report as one object: the data of each section, and the files beside it."""
        return {
            "run_id": self.run_id,
            "kind": self.kind,
            "title": self.title,
            "lead": list(self.lead),
            "version": self.version,
            "sections": {section.name: section.data for section in self.sections},
            "figures": [
                {"name": one.name, "caption": one.caption, "files": list(figure_files(one))}
                for one in self.figures
            ],
            "tables": [sheet_file(sheet) for sheet in self.sheets],
            "files": list(self.files),
        }


def figure_files(figure: Figure) -> tuple[str, str]:
    """Names of a figure's PNG and SVG."""
    return f"{figure.name}.png", f"{figure.name}.svg"


def sheet_file(sheet: Sheet) -> str:
    return f"{sheet.name}.csv"

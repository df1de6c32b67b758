"""Reports: one content in every drawing, every number from the journal, hostile text made safe."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import sqlite3
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handmade_journal import (
    BETTER,
    BETTER_ID,
    IMPROVE_RUN,
    KILLED_RUN,
    SEED,
    SEED_ID,
    STOP_RUN,
    TASK,
    iteration,
    proposal,
    run_body,
    usage,
    write_stop_run,
)

from journal_support import put
from selftaught.app.report.content import Report, gather, report_content
from selftaught.app.report.setup import as_toml
from selftaught.app.report.write import as_csv, report_page
from selftaught.core.program import content_id
from selftaught.journal.journal import open_journal
from selftaught.journal.port import Journal
from selftaught.journal.reader import JournalReader, open_reader
from selftaught.pages.blocks import Figure, Listing, Section, Sheet, Table
from selftaught.pages.figures import Drawn, drawn_figures, specification
from selftaught.studies.transfer.table import TransferredTask, transfer_rows

UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
HOSTILE_NAME = "=<script>alert(1)</script>\x1b]0;title\x07\u202e|x|`y` [z](http://z)"
HOSTILE_SOURCE = (
    "def improve_algorithm(s, u, m):\n"
    "    '</code></pre><script>alert(2)</script>\x1b[2J\u2066 ````'\n"
)
SERIES = "20261125-0100-aaaa"
SERIES_RUNS = (SERIES, "20261125-0101-bbbb", "20261125-0102-cccc")
TRANSFER_RUN = "20261125-0200-dddd"
# On test at t = 0 and t = 1, and of the baselines, by run.
TEST = ((0.50, 0.62), (0.44, 0.71), (0.53, 0.50))
RESTARTED = (0.55, 0.57, 0.58)
KEY = "a-key-that-nobody-may-see"


def page(reader: JournalReader, run_id: str) -> Report:
    return report_content(gather(reader, run_id))


def html(document: Report, drawn: dict[str, Drawn]) -> str:
    return report_page(document, drawn, "html")


def markdown_of(document: Report) -> str:
    return report_page(document, {}, "md")


def written(path: Path, write: Any) -> str:
    url = f"sqlite:///{path}"

    async def run() -> None:
        journal = open_journal(url)
        write(journal)
        await journal.aclose()

    asyncio.run(run())
    return url


def measured(mean: float, values: list[float]) -> dict[str, Any]:
    return {"mean": mean, "ci95": [mean - 0.1, mean + 0.1], "n": len(values)}


def write_series_run(journal: Journal, index: int) -> None:
    """One of three runs, with one step, a baseline, and a result."""
    run_id = SERIES_RUNS[index]
    place = {"id": SERIES, "index": index, "of": 3, "usage": usage(), "wall_s": 0.0}
    config = {"iterations": 1, "accept": "strict", "repeats": 3, "instance_key": KEY, "store": "x"}

    def append(kind: str, key: str, body: dict[str, Any], *texts: str) -> None:
        put(journal, run_id, kind, key, body, texts)

    body = run_body("run", series=place, seed=7 + index, config=config, improver=SEED_ID)
    append("run", run_id, body, SEED)
    first, last = TEST[index]
    for t, improver, mean in ((0, SEED_ID, first), (1, BETTER_ID, last)):
        values = {TASK["name"]: [mean - 0.1, mean + 0.1]}
        scored = {
            "improver": improver,
            "stream": "test",
            "values": values,
            **measured(mean, [0, 0]),
        }
        append("meta_evaluation", f"m{t}", scored)
        append("iteration", str(t), iteration(t, improver, mean))
    append("proposal", "1", proposal(1, BETTER_ID, accepted=True), BETTER)
    restarted = RESTARTED[index]
    values = {TASK["name"]: [restarted - 0.1, restarted + 0.1]}
    common = {"name": "seed", "improver": SEED_ID, "final": BETTER_ID, "values": values}
    counts = {"samples": {TASK["name"]: [6, 6]}, "final_samples": {TASK["name"]: [6, 6]}}
    append("baseline", "b", {**common, **counts, **measured(restarted, [0, 0])})
    comparison = {
        "seed": measured(first, [0, 0]),
        "seed_restarted": measured(restarted, [0, 0]),
        "final": measured(last, [0, 0]),
        "vs_seed": measured(last - first, [0, 0]),
        "vs_seed_restarted": measured(last - restarted, [0, 0]),
    }
    result = {"run_id": run_id, "state": "done", "best_improver_id": BETTER_ID}
    append("result", run_id, {**result, "comparison": comparison})
    end = {"state": "done", "detail": "", "usage": usage(lm_calls=1), "wall_s": 2.0}
    append("run_end", run_id, end)


def write_transfer(journal: Journal, origin: str, tasks: list[str]) -> None:
    rows = transfer_rows(
        [
            TransferredTask(name, [0.1, 0.2, 0.3], [0.2 + n, 0.3, 0.4], [0.5 + n, 0.4, 0.6])
            for n, name in enumerate(tasks)
        ]
    )
    facts = {
        "took_part": False,
        "samples": {"seed_improver": 9, "improved_improver": 12},
        "failures": {"seed_improver": 1},
        "references": [],
    }
    result = {
        "run_id": TRANSFER_RUN,
        "state": "done",
        "origin": origin,
        "runs": 3,
        "seed_improver_id": SEED_ID,
        "improved_improver_id": BETTER_ID,
        "tasks": [{**row, **facts} for row in rows],
        "not_measured": [],
    }
    config = {"origin": origin, "tasks": tasks}
    put(journal, TRANSFER_RUN, "run", TRANSFER_RUN, run_body("transfer", config=config))
    put(journal, TRANSFER_RUN, "result", TRANSFER_RUN, result)


@pytest.fixture(scope="module")
def series_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    def write(journal: Journal) -> None:
        for index in range(3):
            write_series_run(journal, index)
        write_transfer(journal, SERIES_RUNS[1], ["maxcut", "bin_packing"])

    return written(tmp_path_factory.mktemp("series") / "store.db", write)


@pytest.fixture(scope="module")
def series_drawn(series_url: str) -> dict[str, Drawn]:
    with open_reader(series_url) as reader:
        return drawn_figures(page(reader, SERIES).page)


@pytest.fixture
def series(series_url: str) -> Iterator[JournalReader]:
    with open_reader(series_url) as reader:
        yield reader


def hostile_program(journal: Journal) -> None:
    write_stop_run(journal, tasks=[{"name": HOSTILE_NAME, "version": "1"}])
    body = proposal(1, content_id(HOSTILE_SOURCE), accepted=True) | {"reason": HOSTILE_NAME}
    put(journal, STOP_RUN, "proposal", "9", body | {"t": 4}, (HOSTILE_SOURCE,))
    end = iteration(4, content_id(HOSTILE_SOURCE), 0.9)
    put(journal, STOP_RUN, "iteration", "4", end)
    put(journal, STOP_RUN, "model_notice", "n", {"detail": HOSTILE_NAME})
    write_transfer(journal, STOP_RUN, [HOSTILE_NAME])


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Report:
    url = written(tmp_path_factory.mktemp("hostile") / "store.db", hostile_program)
    with open_reader(url) as reader:
        return page(reader, STOP_RUN)


@pytest.fixture(scope="module")
def hostile_drawn(hostile: Report) -> dict[str, Drawn]:
    return drawn_figures(hostile.page)


# --- reading pages ------------------------------------------------------------------------------


class Page(HTMLParser):
    """A page read back: its tables, its tags, and whether each was closed."""

    VOID = frozenset({"meta", "br", "img", "source"})

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.tables: list[list[list[str]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag == "br" and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += "\n"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data


def section(document: Report, name: str) -> Section:
    return next(one for one in document.page.sections if one.name == name)


def csv_rows(sheet: Sheet) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(as_csv(sheet))))


def bodies(reader_url: str, kind: str) -> list[tuple[str, dict[str, Any]]]:
    """Straight from the database: key and body of each event of a kind, of the first STOP run."""
    path = reader_url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        rows = connection.execute(
            "SELECT key, body FROM events WHERE run_id = ? AND kind = ? ORDER BY seq",
            (STOP_RUN, kind),
        ).fetchall()
    return [(key, json.loads(body)) for key, body in rows]


# --- numbers ------------------------------------------------------------------------------------


def test_spending_and_counts_are_what_the_events_add_up_to(
    reader: JournalReader, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    shown = Page(html(page(reader, STOP_RUN), drawn_figures(page(reader, STOP_RUN).page)))
    spent: Counter[str] = Counter()
    for body in {(key, b["request"]): b for key, b in bodies(url, "lm_answer")}.values():
        spent.update(body["usage"])
    names = ("lm_calls", "requests", "samples", "tokens_in", "tokens_out")
    whole = ["in all", *(f"{spent[name]:,}" for name in names), f"{spent['usd']:.4f}"]
    assert whole in next(table for table in shown.tables if table[0][0] == "role")

    kinds = Counter(body["kind"] for body in dict(bodies(url, "evaluation")).values())
    became = next(table for table in shown.tables if table[0][-1] == "for example")
    told = {row[1]: int(row[2]) for row in became if row[0] == "programs scored"}
    assert told == kinds


def test_a_series_is_reported_whole_with_intervals_over_its_runs(series: JournalReader) -> None:
    document = page(series, SERIES_RUNS[2])
    assert document.run_id == SERIES
    rows = csv_rows(section(document, "curve").sheets[0])
    draws = np.random.Generator(np.random.PCG64(2310_02304)).integers(0, 3, size=(10_000, 3))
    for t in (0, 1):
        values = np.array([run[t] for run in TEST])
        low, high = np.quantile(values[draws].mean(axis=1), (0.025, 0.975))
        (row,) = (
            row
            for row in rows
            if (row["scope"], row["t"], row["stream"]) == ("curve", str(t), "test")
        )
        assert float(row["mean"]) == pytest.approx(values.mean())
        assert (float(row["low"]), float(row["high"])) == pytest.approx((low, high))
        assert row["n"] == "3"
    finals, restarted = np.array([run[1] for run in TEST]), np.array(RESTARTED)
    said = f"{(finals - restarted).mean():+.4f}"
    assert any("restarted" in line and said in line for line in document.page.lead)
    # The best is that of the run which is best on val; here val is as test.
    assert section(document, "best").data["run_id"] == SERIES_RUNS[1]


def test_tables_of_the_page_are_those_of_the_csv_and_of_the_markdown(
    series: JournalReader, series_drawn: dict[str, Drawn]
) -> None:
    document = page(series, SERIES)
    shown = Page(html(document, series_drawn))
    tables = [b for one in document.page.sections for b in one.blocks if isinstance(b, Table)]
    assert [table[1:] for table in shown.tables] == [
        [list(row) for row in table.rows] for table in tables
    ]
    markdown = markdown_of(document)
    assert markdown.count("\n| ---") == len(tables)

    curve = next(table for table in shown.tables if table[0][:2] == ["t", "runs"])
    rows = csv_rows(section(document, "curve").sheets[0])
    for line in curve[1:]:
        for column, stream in ((2, "val"), (3, "test")):
            (row,) = (
                row
                for row in rows
                if (row["scope"], row["t"], row["stream"]) == ("curve", line[0], stream)
            )
            assert line[column].split("\n")[0] == f"{float(row['mean']):.4f}"
            interval = f"[{float(row['low']):.4f}, {float(row['high']):.4f}]"
            assert line[column].split("\n")[1] == interval


def test_transfer_runs_of_the_series_are_in_its_report_task_by_task(series: JournalReader) -> None:
    document = page(series, SERIES)
    rows = csv_rows(section(document, "transfer").sheets[0])
    assert {row["run_id"] for row in rows} == {TRANSFER_RUN}
    (improved,) = (
        row for row in rows if (row["task"], row["what"]) == ("maxcut", "improved_improver")
    )
    assert float(improved["mean"]) == pytest.approx((0.5 + 0.4 + 0.6) / 3)
    assert improved["samples"] == "12"
    (difference,) = (
        row for row in rows if (row["task"], row["what"]) == ("maxcut", "vs_seed_improver")
    )
    assert float(difference["mean"]) == pytest.approx((0.3 + 0.1 + 0.2) / 3)
    # Three pairs, all of one sign: two of eight ways to set the signs are as extreme.
    assert float(difference["p_value"]) == pytest.approx(0.25)
    assert float(difference["p_holm"]) == pytest.approx(0.5)
    assert [figure.name for figure in document.page.figures] == ["curve", "transfer"]


def test_without_a_transfer_a_sentence_says_what_makes_one(reader: JournalReader) -> None:
    (block,) = section(page(reader, STOP_RUN), "transfer").blocks
    assert block.command == f"selftaught transfer {STOP_RUN}"  # type: ignore[union-attr]


def test_a_run_that_was_killed_or_has_an_odd_result_is_reported_as_far_as_it_came(
    reader: JournalReader,
) -> None:
    killed = page(reader, KILLED_RUN)
    assert "State: killed (no process that can be seen from here holds it)." in killed.page.lead[0]
    assert "comparison" not in [one.name for one in killed.page.sections]
    improved = page(reader, IMPROVE_RUN)
    assert {"search", "best", "spending"} <= {one.name for one in improved.page.sections}
    (diff,) = (
        block
        for block in section(improved, "best").blocks
        if isinstance(block, Listing) and block.is_diff
    )
    assert "-    return x\n+    return -x" in diff.text


# --- reproduction -------------------------------------------------------------------------------


def test_the_configuration_is_a_file_that_reads_back_and_the_key_is_not_told(
    series: JournalReader, series_drawn: dict[str, Drawn]
) -> None:
    import tomllib

    document = page(series, SERIES)
    config = tomllib.loads(document.files["config.toml"])
    assert config == {
        "iterations": 1,
        "accept": "strict",
        "repeats": 3,
        "improver": config["improver"],
    }
    assert document.files[config["improver"]] == SEED
    whole = html(document, series_drawn) + markdown_of(document)
    whole += json.dumps(document.as_json()) + "".join(document.files.values())
    assert KEY not in whole
    assert section(document, "configuration").data["seeds"] == [7, 8, 9]


def test_toml_holds_any_text_and_any_depth() -> None:
    import tomllib

    values = {
        "text": 'a "b"\n\\ \x7f \u2028 \x1b',
        "none": None,
        "numbers": [1, 2.5, True],
        "odd key!": {"inner": {"a": 1, "b": None}, "n": 1e-9},
    }
    expected = {
        "text": values["text"],
        "numbers": [1, 2.5, True],
        "odd key!": {"inner": {"a": 1}, "n": 1e-9},
    }
    assert tomllib.loads(as_toml(values)) == expected


# --- hostile texts ------------------------------------------------------------------------------


def test_hostile_text_is_text_on_the_page_and_nothing_else(
    hostile: Report, hostile_drawn: dict[str, Drawn]
) -> None:
    text = html(hostile, hostile_drawn)
    shown = Page(text)
    assert "alert(1)" in shown.text
    assert "alert(2)" in shown.text
    assert not UNSAFE.search(text)
    assert not shown.tags.keys() & {"script", "iframe", "object", "embed", "link", "form", "svg"}
    for tag, name, value in shown.attributes:
        assert not name.startswith("on")
        if name in ("src", "srcset"):
            assert value is not None
            assert value.startswith("data:image/svg+xml;base64,")
        if name == "href":
            assert tag == "a"
            assert re.fullmatch(r"#[a-z]+|[a-z_-]+(-\d+)?\.[a-z]+", value or "")
    policy = [value for _, name, value in shown.attributes if name == "content"]
    assert any("default-src 'none'" in (value or "") for value in policy)


def test_hostile_text_stays_text_in_markdown_csv_and_json(hostile: Report) -> None:
    markdown = markdown_of(hostile)
    assert not UNSAFE.search(markdown)
    outside = re.sub(r"(?ms)^(`{3,})\w*\n.*?^\1$", "", markdown)
    assert "<script" not in outside
    assert not re.search(r"(?<!\\)\]\(http", outside)
    assert "://" not in outside
    # The fence is longer than any in the program.
    assert "`````" in markdown
    for lines in re.findall(r"(?m)(?:^\|.*\n)+", outside):
        assert len({len(re.split(r"(?<!\\)\|", line)) for line in lines.splitlines()}) == 1
    for sheet in hostile.page.sheets:
        for row in csv_rows(sheet):
            for cell in row.values():
                assert not UNSAFE.search(cell)
                assert not cell.startswith(("=", "@"))
    json.loads(json.dumps(hostile.as_json(), allow_nan=False))


def test_pictures_are_well_formed_and_hold_hostile_names_as_text(
    hostile_drawn: dict[str, Drawn],
) -> None:
    assert set(hostile_drawn) == {"curve", "transfer"}
    for drawn in hostile_drawn.values():
        for svg in (drawn.svg, drawn.narrow_svg):
            root = ET.fromstring(svg)
            tags = {element.tag.rpartition("}")[2] for element in root.iter()}
            assert tags <= {
                "svg",
                "g",
                "path",
                "text",
                "tspan",
                "rect",
                "line",
                "defs",
                "clipPath",
                "title",
                "desc",
                "style",
            }
            assert not UNSAFE.search(svg)
        assert drawn.png.startswith(b"\x89PNG")


# --- figures ------------------------------------------------------------------------------------


def test_figures_are_the_same_whenever_they_are_drawn(
    series: JournalReader, series_drawn: dict[str, Drawn]
) -> None:
    assert drawn_figures(page(series, SERIES).page) == series_drawn


def test_figures_show_what_the_tables_hold_and_say_what_they_show(
    series: JournalReader, series_drawn: dict[str, Drawn]
) -> None:
    document = page(series, SERIES)
    curve, transfer = document.page.figures
    assert isinstance(curve, Figure)
    text = json.dumps(specification(curve))
    mean = np.mean([run[1] for run in TEST])
    assert f"{mean}" in text
    assert f"to {mean:.4f} in 1 step" in curve.alt
    texts = " ".join(ET.fromstring(series_drawn["curve"].svg).itertext())
    assert "iteration t" in texts
    assert "meta-utility (normalised, 0 to 1)" in texts
    assert "seed restarted" in texts
    assert "maxcut: no difference shown" in transfer.alt

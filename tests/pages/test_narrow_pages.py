"""At no width is a number of a page cut."""

from __future__ import annotations

import io
import re
from collections import Counter
from typing import get_args

import pytest
from rich.console import Console

from made_journal import Shape, make_journal
from selftaught.analysis.recorded_run import recorded, said_result
from selftaught.app import core_thread
from selftaught.app.pages import end_page, run_page
from selftaught.journal.reader import open_reader
from selftaught.pages.blocks import Page
from selftaught.pages.terminal import draw_page
from selftaught.studies.registry import find_study, own_kinds

# As a page writes them: with separators, a sign, decimals and an exponent.
NUMBER = re.compile(r"(?<![\w.,-])[-+]?\d[\d,.]*\d(?:e[-+]\d+)?(?![\w])|(?<![\w.,-])\d(?![\w.,])")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    found: dict[str, Page] = {}
    for shape in get_args(Shape):
        store, run_id = f"sqlite:///{tmp_path_factory.mktemp(shape)}/store.db", "20261128-0455-3f9a"
        core_thread.run(make_journal(store, run_id, shape, 4000))
        with open_reader(store) as reader:
            run = recorded(reader, run_id, own_kinds())
            said = said_result(run.events)
            assert said is not None
            found[f"{shape}, shown"] = run_page(run)
            found[f"{shape}, at its end"] = end_page(find_study(run.head.command), said, store)
    return found


def drawn(page: Page, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, markup=False, emoji=False, highlight=False)
    draw_page(console, page, wraps=True)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [40, 50, 60, 80])
def test_every_number_of_a_page_is_whole(pages: dict[str, Page], width: int) -> None:
    for name, page in pages.items():
        whole = Counter(NUMBER.findall(drawn(page, 1000)))
        assert len(whole) > 10
        narrow = Counter(NUMBER.findall(drawn(page, width)))
        assert not whole - narrow, (name, whole - narrow)

"""What a result shows of itself, printed and in a notebook."""

from __future__ import annotations

import asyncio
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selftaught as st
from selftaught.app.results import Measured
from selftaught.pages.blocks import Page as Blocks
from selftaught.pages.blocks import Section, Table
from selftaught.pages.html import fragment
from selftaught.pages.terminal import as_text

RUN_ID = "20261125-0241-f7ad"
SEED = "def algorithm(x):\n    return x\n"
BEST = "def algorithm(x):\n    return sorted(x)\n"
USAGE = {
    "lm_calls": 20,
    "requests": 23,
    "samples": 120,
    "tokens_in": 1369,
    "tokens_out": 1825,
    "usd": 0.1234,
}
HOSTILE = (
    'def algorithm(x):\n    return \'<script>alert(1)</script><img src=x onerror="y">&amp;'
    "\x1b]0;title\x07\x9b2J\u202e\u2066\u2028\ud800\r\x00'\n"
)
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def estimate(mean: float, half: float | None = 0.02) -> dict[str, Any]:
    interval = None if half is None else [mean - half, mean + half]
    return {"mean": mean, "ci95": interval, "n": 20}


def measured(mean: float, source: str, program_id: str, **metrics: float) -> dict[str, Any]:
    return {
        "val": estimate(mean + 0.01),
        "test": estimate(mean),
        "metrics": {name.replace("_", " "): value for name, value in metrics.items()},
        "program_id": program_id * 32,
        "source": source,
    }


def improved(source: str = BEST, **changes: Any) -> st.ImproveResult:
    """A result by hand; `changes` are of its data."""
    store = changes.pop("store", "sqlite:///selftaught.db")
    data = {
        "run_id": RUN_ID,
        "state": "budget",
        "model": "openai:gpt-5-mini",
        "sandbox_tier": "namespaced",
        "task": "sorting",
        "seed": measured(0.1, SEED, "a"),
        "best": measured(0.9, source, "b"),
        "finalists": [],
        "usage": USAGE,
        "wall_s": 64.2,
    } | changes
    return st.ImproveResult(
        RUN_ID,
        "budget",
        source,
        Measured(0.1, (0.08, 0.12), 20),
        Measured(0.9, (0.88, 0.92), 20),
        data,
        store,
    )


def self_improved(reason: str = "better on val") -> st.SelfImproveResult:
    proposal = {
        "improver_id": "d" * 32,
        "accepted": True,
        "val_difference": estimate(0.1),
        "reason": reason,
    }
    iterations = [
        {"t": t, "improver_id": name * 32, "val": estimate(0.6), "test": estimate(0.5)}
        for t, name in enumerate("cd")
    ]
    iterations[0]["proposal"], iterations[1]["proposal"] = None, proposal
    data = {
        "run_id": RUN_ID,
        "state": "done",
        "model": "local:mutator",
        "sandbox_tier": "sealed",
        "iterations": iterations,
        "comparison": {
            "seed": estimate(0.5),
            "seed_restarted": None,
            "final": estimate(0.6),
            "vs_seed": estimate(0.1),
            "vs_seed_restarted": None,
        },
        "usage": USAGE,
        "wall_s": 64.2,
        "best_improver_id": "d" * 32,
    }
    return st.SelfImproveResult(RUN_ID, "done", "d" * 32, data)


class Page(HTMLParser):
    """The text that a browser would show, and the tags that it would obey."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.is_style = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.is_style = tag == "style"
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.text += " "

    def handle_data(self, data: str) -> None:
        self.text += "" if self.is_style else data


def test_a_printed_result_tells_what_was_found_and_what_it_took() -> None:
    assert str(improved()) == (
        "sorting: mean over 20 sets of instances each, with 95 % CI\n"
        "      seed                     best\n"
        "test  0.1000 [0.0800, 0.1200]  0.9000 [0.8800, 0.9200]\n"
        "val   0.1100 [0.0900, 0.1300]  0.9100 [0.8900, 0.9300]\n"
        "\n"
        "What changed from the seed\n"
        "    --- seed\n"
        "    +++ best\n"
        "    @@ -1,3 +1,3 @@\n"
        "     def algorithm(x):\n"
        "    -    return x\n"
        "    +    return sorted(x)\n"
        "\n"
        "Program bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n"
        "    def algorithm(x):\n"
        "        return sorted(x)\n"
        "\n"
        "ended by: budget; model openai:gpt-5-mini, sandbox namespaced\n"
        "spent: 20 model calls, 23 requests, 120 samples, 1,369 tokens in and 1,825 out,\n"
        "0.1234 USD, 1 min 04 s\n"
        f"more: selftaught show {RUN_ID}"
    )


def test_a_notebook_shows_the_same() -> None:
    for result in (improved(), self_improved()):
        shown = Page(result._repr_html_()).text.split()
        assert sorted(shown) == sorted(str(result).split())


def test_repr_is_one_line() -> None:
    assert repr(improved()) == (
        "ImproveResult(task='sorting', seed_test=0.1, best_test=0.9, state='budget', "
        f"run_id='{RUN_ID}')"
    )
    assert repr(self_improved()) == (
        f"SelfImproveResult(seed_test=0.5, final_test=0.6, state='done', "
        f"best_improver_id='{'d' * 32}', run_id='{RUN_ID}')"
    )


def test_metrics_have_a_row_each_and_what_was_not_measured_is_a_dash() -> None:
    best = measured(0.9, BEST, "b", items=14.25, bins_used=3)
    shown = str(improved(seed=measured(0.1, SEED, "a", items=10), best=best))
    assert re.search(r"^bins used  - +3$", shown, re.MULTILINE)
    assert re.search(r"^items +10 +14\.25$", shown, re.MULTILINE)


def test_finalists_that_may_be_as_good_are_named() -> None:
    tied = {"b": True, "c": True, "d": False, "a": True}
    common = {"search": 0.9, "val": estimate(0.9), "behind": estimate(0.01)}
    finalists = [{"program_id": name * 32, "tied": one, **common} for name, one in tied.items()]
    shown = str(improved(finalists=finalists))
    for name, said in (("cccccccc", "tied"), ("dddddddd", "behind"), ("the seed", "tied")):
        assert re.search(rf"^{name} .* {said}", shown, re.MULTILINE)
    assert "tied" not in str(improved(finalists=finalists[:1]))


def test_a_search_that_found_nothing_says_so() -> None:
    shown = str(improved(SEED))
    assert "The best program is the seed." in shown
    assert "What changed" not in shown


def test_a_diff_that_would_take_too_long_is_left_out() -> None:
    shown = str(improved("x = 1\n" * 3000))
    assert "What changed from the seed is too long to be compared." in shown


def test_a_store_of_ones_own_is_part_of_the_command() -> None:
    command = f"selftaught show {RUN_ID} --store 'sqlite:///my runs.db'"
    result = improved(store="sqlite:///my runs.db")
    assert str(result).endswith(f"\nmore: {command}")
    assert command in Page(result._repr_html_()).text


def test_a_self_improvement_shows_each_step_and_the_comparison() -> None:
    shown = str(self_improved())
    for line in (
        r"t  improver  val \(n = 20\)      test \(n = 20\)     proposal",
        r"0  cccccccc  0\.6000            0\.5000            the seed improver",
        r"             \[0\.5800, 0\.6200\]  \[0\.4800, 0\.5200\]  \(\+0\.1000\)",
        r"final improver +0\.6000   \[0\.5800, 0\.6200\]",
        r"final - seed restarted +- +- +not measured: the run ended\n +before",
        f"best improver: {'d' * 32}",
        r"model local:mutator, sandbox sealed",
        f"more: selftaught show {RUN_ID}",
    ):
        assert re.search(f"^{line}$", shown, re.MULTILINE), line


@pytest.mark.parametrize("result", [improved(), self_improved("the improver run failed: " * 9)])
def test_what_is_printed_fits_eighty_columns(result: object) -> None:
    assert max(map(len, str(result).splitlines())) <= 80


def test_a_wide_last_column_is_wrapped_and_nothing_of_it_is_lost() -> None:
    words = [f"word{n}" for n in range(60)]
    table = Table("title", ("a", "b"), (("x\ny", " ".join(words)),))
    page = Blocks("", (), (Section("s", "", (table,)),))
    text = as_text(page)
    assert max(map(len, text.splitlines())) <= 80
    assert re.findall(r"word\d+", text) == words
    assert "x<br>y" in fragment(page)


@pytest.mark.parametrize(
    "result",
    [
        improved(HOSTILE),
        improved(seed=measured(0.1, HOSTILE, "a")),
        improved(model=HOSTILE),
        improved(best=measured(0.9, BEST, "b") | {"metrics": {HOSTILE: 1.0}}),
        self_improved(HOSTILE),
    ],
    ids=["the best program", "the seed", "the model", "a metric", "a reason"],
)
def test_what_a_model_wrote_steers_neither_the_terminal_nor_the_notebook(
    result: st.ImproveResult | st.SelfImproveResult,
) -> None:
    for shown in (str(result), repr(result), result._repr_html_()):
        assert not UNSAFE.search(shown)
        shown.encode()
    assert r"\x1b]0;title\x07\x9b2J\u202e\u2066\u2028\ud800\r\x00" in "".join(str(result).split())
    page = Page(result._repr_html_())
    assert "<script>alert(1)</script>" in "".join(page.text.split())
    assert page.tags <= {
        *("div", "p", "table", "thead", "tbody", "tr", "th", "td", "br"),
        *("details", "summary", "pre", "span", "code", "h3", "h4", "style"),
    }
    assert page.attributes <= {
        "class",
        "scope",
        "open",
        "tabindex",
        "role",
        "aria-label",
        "data-of",
    }


def utility(program: st.SandboxedProgram, rng: np.random.Generator) -> st.Measure:
    """What the program makes of 0.5, at most 1."""
    value = float(program(0.5, cpu_s=0.1))
    return st.Measure(min(max(value, 0.0), 1.0), metrics={"drawn": float(rng.random())})


TASK = st.Task("numbers", "def algorithm(x):\n    return 0.5 * x\n", utility, range=(0.0, 1.0))


def test_the_plain_form_runs_and_shows_itself_in_a_notebook_whose_loop_is_running(
    tmp_path: Path,
) -> None:
    store = f"sqlite:///{tmp_path}/runs.db"

    async def cell() -> st.ImproveResult:
        # What a notebook does: the code of a cell runs in its loop, and blocks it.
        assert asyncio.get_running_loop().is_running()
        scope: dict[str, Any] = {"st": st, "TASK": TASK, "store": store}
        code = "result = st.improve(TASK, budget=st.Budget(lm_calls=4), store=store)"
        exec(compile(code, "<cell>", "exec"), scope)
        result: st.ImproveResult = scope["result"]
        return result

    result = asyncio.run(cell())
    assert result.best_test.mean > result.seed_test.mean
    shown = str(result)
    assert "\n    --- seed\n    +++ best\n" in shown
    assert "\n    -    return 0.5 * x\n" in shown
    assert re.search(r"^drawn +0\.\d+ +0\.\d+$", shown, re.MULTILINE)
    assert f"selftaught show {result.run_id} --store {store}" in shown
    assert "return 0.5 * x" in Page(result._repr_html_()).text

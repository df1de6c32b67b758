"""The page of all runs: a table that is sorted, filtered, and of which several are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from selftaught.analysis.run_head import RunHead
from selftaught.pages import words
from selftaught.pages.markup import Html, joined, tag
from selftaught.pages.svg import spark
from selftaught.web.ui.frame import Parts, View, run_link, state_mark, state_of
from selftaught.web.ui.glance import Glance
from selftaught.web.ui.watch import Watcher

_MOST_ROWS = 250
_AT_ONCE_S = 0.3  # the longest that a first picture waits for old runs to be summed up
_STATES = ("running", "killed", "stopped", "done", "budget", "failed")
_SORTS: Mapping[str, Callable[[Glance], Any]] = {
    "newest": lambda one: "",
    "task": lambda one: one.head.task_names,
    "state": lambda one: one.head.state,
    "best": lambda one: -_best(one),
    "spent": lambda one: -(one.usage.usd or one.usage.lm_calls / 1e9),
    "rate": lambda one: -one.scored_a_second,
}


def runs_view(watcher: Watcher, asked: Mapping[str, str]) -> View:
    drawn: dict[str, tuple[int, str, Html]] = {}

    def row(one: Glance) -> Html:
        """Drawn anew if there is anything new of it."""
        head = one.seen_head(watcher.location)
        seq, state, said = drawn.get(one.run_id, (0, "", Html()))
        if (seq, state) != (one.seq, head.state):
            said = _row(one, head)
            drawn[one.run_id] = one.seq, head.state, said
        return said

    async def draw() -> Parts:
        ids = await watcher.runs()
        whole = await watcher.all_known(ids, _AT_ONCE_S)
        return _parts(watcher, asked, ids, row, whole=whole)

    return View("Runs", {"filter": _filter(asked)}, draw)


def _parts(
    watcher: Watcher,
    asked: Mapping[str, str],
    ids: Sequence[str],
    row: Callable[[Glance], Html],
    *,
    whole: bool,
) -> Parts:
    known = [one for run_id in ids if (one := watcher.known(run_id))]
    found = sorted(filter(_wanted(watcher, asked), known), key=_SORTS[_sort(asked)])
    rows = [row(one) for one in found[:_MOST_ROWS]]
    notes = [] if whole else [f"reading older runs: {len(known):,} of {len(ids):,}"]
    if len(found) > _MOST_ROWS:
        notes.append(f"the first {_MOST_ROWS} of {len(found):,}; filter to see others")
    if watcher.problem:
        notes.append(watcher.problem)
    note = tag("p", "; ".join(notes), class_="note") if notes else None
    if not ids:
        start = tag("code", "selftaught run")
        return {"runs": joined(tag("p", "No runs here yet. To start one: ", start), note)}
    heads = (
        "compare",
        "run",
        "state",
        "task",
        "model",
        "step",
        "best so far",
        "its way",
        "spent",
        "rate",
    )
    columns = tag("tr", *(tag("th", one, scope="col") for one in heads))
    listed = tag("table", tag("thead", columns), tag("tbody", *rows), class_="runs")
    listed = tag("div", listed, class_="scrolled", tabindex="0", role="region", aria_label="Runs")
    compare = tag("button", "Compare the selected runs", type="submit")
    form = tag("form", listed, compare, action="/compare", method="get")
    return {"runs": joined(note, form if rows else tag("p", "No run is like that."))}


def _filter(asked: Mapping[str, str]) -> Html:
    def choice(name: str, label: str, values: tuple[str, ...], chosen: str) -> Html:
        options = [tag("option", one, value=one, selected=one == chosen) for one in values]
        picked = tag("select", *options, name=name, id=name, data_submit=True)
        return tag("label", label, " ", picked, for_=name)

    words_ = tag("input", type="search", name="q", id="q", value=asked.get("q", ""), maxlength=200)
    return tag(
        "form",
        tag("label", "Find ", words_, for_="q"),
        choice("state", "State", ("any", *_STATES), asked.get("state", "any")),
        choice("sort", "Sort by", tuple(_SORTS), _sort(asked)),
        tag("button", "Show", type="submit"),
        action="/",
        method="get",
        role="search",
        class_="filter",
    )


def _sort(asked: Mapping[str, str]) -> str:
    return asked["sort"] if asked.get("sort") in _SORTS else "newest"


def _wanted(watcher: Watcher, asked: Mapping[str, str]) -> Callable[[Glance], bool]:
    state = asked.get("state", "any")
    sought = asked.get("q", "").casefold().split()

    def wanted(one: Glance) -> bool:
        head = one.head
        said = f"{one.run_id} {head.command} {head.model} {' '.join(head.task_names)}".casefold()
        return all(word in said for word in sought) and (
            state == "any" or state_of(one.seen_head(watcher.location)) == state
        )

    return wanted


def _row(one: Glance, head: RunHead) -> Html:
    box = tag("input", type="checkbox", name="run", value=one.run_id, aria_label=one.run_id)
    series = head.series
    kind = head.command if series is None else f"{head.command} {series.index + 1}/{series.of}"
    stands, budget = one.standing, one.budget
    value = stands.search if stands.value is None else stands.value
    best = words.number(value) + (" (search)" if stands.value is None and value is not None else "")
    spent = [words.counted(one.usage.lm_calls, "call")]
    spent[0] += f" of {budget.lm_calls:,}" if budget.lm_calls else ""
    if one.usage.usd or budget.usd:
        limit = f" of {words.dollars(budget.usd)}" if budget.usd else ""
        spent.append(f"{words.dollars(one.usage.usd)}{limit} USD")
    is_running = head.state == "running"
    cells = (
        joined(run_link(one.run_id), tag("small", kind)),
        state_mark(head),
        ", ".join(head.task_names),
        head.model,
        str(max(one.steps)) if one.steps else "",
        best,
        spark(one.values),
        joined(spent[0], *(joined(tag("br"), said) for said in spent[1:])),
        f"{one.scored_a_second:.1f} a second" if is_running else "",
    )
    names = ("run", "state", "task", "model", "step", "best", "curve", "spent", "rate")
    drawn = [
        tag("th" if name == "run" else "td", cell, class_=name, data_of=name)
        for name, cell in zip(names, cells, strict=True)
    ]
    return tag("tr", tag("td", box, class_="pick"), *drawn, id=f"run-{one.run_id}")


def _best(one: Glance) -> float:
    stands = one.standing
    value = stands.search if stands.value is None else stands.value
    return float("-inf") if value is None else one.head.tasks[0].worth(value)

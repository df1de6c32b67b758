"""What takes all events of a run: made anew as often as it may cost, and kept for all pages."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from selftaught.analysis.descent import Born, Descent, descent
from selftaught.analysis.recorded_run import RecordedRun
from selftaught.analysis.reward_denials import denials
from selftaught.analysis.series import recorded_series
from selftaught.app.pages import shown_page
from selftaught.core.errors import SelfTaughtError
from selftaught.journal.reader import JournalReader
from selftaught.pages import words
from selftaught.pages.blocks import Page
from selftaught.pages.html import Figures, section_body
from selftaught.pages.markup import Html, joined, tag
from selftaught.studies.registry import own_kinds
from selftaught.web.ui.frame import Parts, program_link, section, table
from selftaught.web.ui.glance import Glance
from selftaught.web.ui.watch import Watcher

# One part of time for so many parts that pass before it is done again, while a run goes on.
_PATIENCE = 400
_LEAST_S = 2.0
TREE_ROWS = 200
_LINE_ROWS = 60
_DENIED_ROWS, _DENIED_IDS = 40, 4
WITHIN_S = 0.4
_log = logging.getLogger(__name__)
_KEPT = 12  # runs whose parts are kept


@dataclass(slots=True)
class _Made:
    parts: Parts
    seq: int
    state: str
    at_s: float
    cost_s: float


@dataclass(slots=True)
class SlowParts:
    """Of each run that somebody looks at."""

    watcher: Watcher
    _made: dict[tuple[str, str], _Made] = field(default_factory=dict)
    _making: dict[tuple[str, str], asyncio.Task[None]] = field(default_factory=dict)

    async def of(
        self, what: str, glance: Glance, state: str, make: Callable[[JournalReader], Parts]
    ) -> Parts:
        """Parts of a run: as they were made last, or anew if it is time.

        They are waited for a moment; what takes longer is told as a change when it is there.

        Args:
            what: names them, within the run.
            state: of the run: when that changes, they are made at once.
        """
        key = glance.run_id, what
        made = self._made.get(key)
        if key not in self._making and not self._is_fresh(made, glance, state):
            task = asyncio.get_running_loop().create_task(self._make(key, glance, state, make))
            self._making[key] = task
            task.add_done_callback(lambda _: self._making.pop(key, None))
        if key in self._making and (made is None or made.state != state):
            await asyncio.wait({self._making[key]}, timeout=WITHIN_S)
        made = self._made.get(key)
        return {"reading": reading(glance)} if made is None else {"reading": Html(), **made.parts}

    def _is_fresh(self, made: _Made | None, glance: Glance, state: str) -> bool:
        if made is None or made.state != state:
            return False
        pause_s = max(_LEAST_S, _PATIENCE * made.cost_s)
        return made.seq == glance.seq or time.monotonic() < made.at_s + pause_s

    async def _make(
        self,
        key: tuple[str, str],
        glance: Glance,
        state: str,
        make: Callable[[JournalReader], Parts],
    ) -> None:
        seq = glance.seq

        def timed(reader: JournalReader) -> tuple[Parts, float]:
            start_s = time.thread_time()
            try:
                parts = make(reader)
            except SelfTaughtError as error:
                parts = {"trouble": tag("p", str(error), class_="alarm")}
            except Exception:  # noqa: BLE001 - a journal may say what no run says
                _log.exception("%s of run %s cannot be told", *reversed(key))
                said = "Not all of this can be told; selftaught verify says what is wrong."
                parts = {"trouble": tag("p", said, class_="alarm")}
            return parts, time.thread_time() - start_s

        parts, cost_s = await self.watcher.slowly(timed)
        self._made.pop(key, None)
        self._made[key] = _Made(parts, seq, state, time.monotonic(), cost_s)
        while len(self._made) > _KEPT:
            del self._made[next(iter(self._made))]
        await self.watcher.touch()


def reading(glance: Glance | None) -> Html:
    """What stands in the place of parts that are not there yet."""
    events = "" if glance is None else f", {glance.scored:,} programs scored"
    return tag("p", f"Reading the journal of this run{events} …", class_="note")


def run_parts(reader: JournalReader, run_id: str) -> Parts:
    """The tree of its programs, what guests were denied, and the page that `show` draws."""
    series = recorded_series(reader, run_id, own_kinds())
    (run,) = (one for one in series if one.run_id == run_id)
    found = descent(run.events)
    page = shown_page(run, series)
    return {
        "tree": tree_part(found, run_id) if found.programs else Html(),
        "denied": _denied(run),
        # Runs of these two have curves of their own, which are live.
        "page": page_html(page, drawn=run.head.command not in ("run", "improve")),
    }


def page_html(page: Page, *, drawn: bool = False) -> Html:
    """A study's page; its figures where they can be drawn, which tables tell as well."""
    figures: Figures = {}
    if drawn and any(page.figures):
        with suppress(ImportError):  # without selftaught[report]
            from selftaught.pages.figures import drawn_figures

            figures = drawn_figures(page)
    lead = [tag("p", said) for said in page.lead]
    sections = [
        joined(tag("h3", one.title, id=f"of-{one.name}"), Html(section_body(one, figures)))
        for one in page.sections
    ]
    return section("In full", *lead, *sections)


def tree_part(found: Descent, run_id: str) -> Html:
    """Which program came from which; of many the line to the best one."""
    if len(found.programs) <= TREE_ROWS:
        return section("Programs: what came from which", tree_table(found, run_id, 1))
    line, children = found.line_to(found.best), found.children()
    rows = [
        (
            program_link(one.program_id, run_id),
            words.number(one.value),
            f"call {one.call}" if one.call else "",
            f"{len(children[one.program_id]):,}",
            one.note,
        )
        for one in line[-_LINE_ROWS:]
    ]
    heads = ("program", "on search", "asked by", "children", "what the improver said of it")
    said = f"From the seed to the best of {len(found.programs):,} programs"
    said += f", the last {_LINE_ROWS} of {len(line):,} steps" if len(line) > _LINE_ROWS else ""
    whole = tag("a", "The whole tree", href=f"/run/{run_id}/tree")
    line_table = table(heads, rows, said)
    return section("Programs: what came from which", tag("p", said, ". ", whole), line_table)


def tree_table(found: Descent, run_id: str, first: int) -> Html:
    """A page of the tree; each program below that from which it came."""
    drawn = [*found.tree()][first - 1 : first - 1 + TREE_ROWS]
    rows = [_tree_row(depth, begins, one, found, run_id) for depth, begins, one in drawn]
    heads = ("program", "on search", "asked by", "what became of it", "said of it")
    return table(heads, rows, "Programs")


def _tree_row(depth: int, begins: bool, one: Born, found: Descent, run_id: str) -> tuple[str, ...]:
    mark = "├ " if begins and depth else "│ " if depth else ""
    shown = depth if depth <= 12 else 12  # deeper ones stand there too, and say how deep
    deep = f" ({depth} deep)" if depth > shown else ""
    name = joined(f"{'  ' * shown}{mark}", program_link(one.program_id, run_id), deep)
    best = one.program_id == found.best
    return (
        tag("span", name, class_="branch"),
        one.outcome if one.value is None else words.number(one.value),
        f"call {one.call}" if one.call else "",
        tag("strong", "the best") if best else one.became,
        one.note,
    )


def _denied(run: RecordedRun) -> Html:
    """What guests tried, and were denied; of failures alone, which `audit rewards` adds to."""
    found: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for one in denials(run.events):
        found[one.role, one.kind, one.evidence].append(one.program_id)
    title = "What guests tried and were denied"
    if not found:
        return section(title, tag("p", "Nothing that the sandbox had to deny."))
    rows = [
        (
            kind,
            role,
            f"{len(programs):,}",
            joined(*(joined(program_link(one, run.run_id), " ") for one in programs[:_DENIED_IDS])),
            evidence,
        )
        for (role, kind, evidence), programs in [*found.items()][:_DENIED_ROWS]
    ]
    more = len(found) - len(rows)
    note = tag("p", f"and {more:,} more", class_="note") if more > 0 else None
    return section(
        title, table(("what", "by", "programs", "such as", "evidence"), rows, title), note
    )

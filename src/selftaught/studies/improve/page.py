"""What is shown of an improve run: the search, the seed and the best program, what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from selftaught.analysis.descent import BECAME, Born
from selftaught.analysis.recorded_run import RecordedRun
from selftaught.analysis.run_view import ProgramView, RunView, run_view
from selftaught.journal.codec import Event
from selftaught.journal.events import Evaluation, LmAnswer, TaskVersion
from selftaught.pages import words
from selftaught.pages.blocks import (
    Block,
    Figure,
    Page,
    Paragraph,
    SearchChart,
    Section,
    Sheet,
    Table,
)
from selftaught.pages.text import unified_diff
from selftaught.studies.next_command import next_command
from selftaught.studies.run_sections import best_blocks, end_page, whole_page

Json = Mapping[str, Any]

# More would be a blot; the line and the table hold them all.
_MOST_DOTS = 2000


def page(result: Json | None, run: RecordedRun | None = None) -> Page:
    """Of a run, or of its result by itself, what stands at its end."""
    if run is None:
        assert result is not None  # else there is nothing to show
        seed, best = result["seed"]["source"], result["best"]["source"]
        diff = unified_diff(seed, best, "seed", "best")
        program = ProgramView(result["best"]["program_id"], best, "seed", diff)
        sections = (
            Section("search", "", tuple(_measured(result, _verdict(result)))),
            Section("best", "", tuple(best_blocks(program, best, "program"))),
        )
        return end_page(result, sections)
    view = run_view(run, result)
    scored = _scored(run.events, view.head.tasks[0])
    blocks: list[Block] = []
    lead: list[str] = []
    if scored:
        blocks.append(_figure(scored, view.head.task_names[0]))
    if result is not None and "task" in result:
        blocks += _measured(result, ())  # it leads
        if result["best"]["test"] is not None and result["seed"]["test"] is not None:
            lead.append(
                "On test the best program is worth "
                f"{words.mean_and_interval(result['best']['test'])}, the seed "
                f"{words.mean_and_interval(result['seed']['test'])}."
            )
        lead += _verdict(result)
    else:
        blocks.append(Paragraph("Nothing was measured: the run has no result yet."))
    columns = ("calls", "samples", "program_id", "value", "best")
    rows = [{name: getattr(one, name) for name in columns} for one in scored]
    sheet = Sheet("search", columns, rows)
    data = {"result": result, "scored": rows}
    search = Section("search", "Seed and best", tuple(blocks), data, (sheet,))
    title = f"{', '.join(view.head.task_names)} improved: run {run.run_id}"
    return whole_page(title, [view], "program", [search, *_descent(view)], *lead)


def _measured(result: Json, verdict: Iterable[str]) -> list[Block]:
    """Why the search ended early; the seed and the best program on test and val, their metrics, and
    who may be as good."""
    pair = (result["seed"], result["best"])
    metrics = sorted({name for one in pair for name in one.get("metrics", ())})
    sets = {one[s]["n"] for one in pair for s in ("test", "val") if one[s] is not None}
    over = str(*sets) if len(sets) == 1 else f"{min(sets)} to {max(sets)}" if sets else ""
    is_cut = any(one["test"] is None for one in pair)
    of = "as far as it is measured" if is_cut else f"mean over {over} sets of instances each"
    search = [("search", *(words.number(one["search"]) for one in pair))] if is_cut else []
    stopped = result.get("stopped")
    early = [Paragraph(f"The search ended early: {stopped}.")] if stopped else []
    goal = ", lower is better" if result.get("minimize") else ""
    measured = Table(
        f"{result['task']}{goal}: {of}, with 95 % CI",
        ("", "seed", "best"),
        (
            *search,
            *(
                (s, *(words.mean_and_interval(one[s], "\n") for one in pair))
                for s in ("test", "val")
            ),
            *(
                (name, *(_metric(one.get("metrics", {}).get(name)) for one in pair))
                for name in metrics
            ),
        ),
    )
    finalists = result.get("finalists", ())
    seed = result["seed"].get("program_id")
    others = [_finalists(finalists, seed)] if len(finalists) > 1 else []
    return [*early, measured, *map(Paragraph, verdict), *others]


def _metric(value: float | None) -> str:
    """A count or a flag as one."""
    is_whole = value is not None and float(value).is_integer()
    return words.plain(value) if value is not None and is_whole else words.number(value)


def _verdict(result: Json) -> Iterator[str]:
    """What the paired difference shows, and of what; older results do not tell it."""
    difference = result.get("vs_seed")
    if difference is not None and result["best"]["program_id"] != result["seed"]["program_id"]:
        # What is worth more costs less.
        what = "Seed minus best" if result.get("minimize") else "Best minus seed"
        yield (
            f"{what} on test: {words.verdict(difference)}, paired over "
            f"{difference['n']} sets of instances; it tells of these two programs, not of other "
            "runs."
        )


def _finalists(finalists: Sequence[Json], seed: str | None) -> Table:
    rows = [
        (
            "the seed" if one["program_id"] == seed else one["program_id"][: words.SHORT_ID],
            "failed" if one["search"] is None else words.number(one["search"]),
            words.mean_and_interval(one["val"], "\n"),
            "" if place == 0 else words.mean_and_interval(one["behind"], "\n"),
            ("taken" if place == 0 else "tied with it" if one["tied"] else "behind")
            + f"\nafter {words.counted(one['val']['n'], 'set')}",
        )
        for place, one in enumerate(finalists)
    ]
    title = "The best on search, measured anew on val"
    return Table(title, ("program", "search", "val", "behind the first", ""), tuple(rows))


# --- the search ---------------------------------------------------------------------------------


def _descent(view: RunView) -> Iterator[Section]:
    """From the seed to the best program, and how many others there were beside that line."""
    found = view.descent
    best = found.best if view.best is None else view.best.program_id
    line, children = found.line_to(best), found.children()
    if len(line) < 2:
        return
    rows = [
        (
            one.program_id[: words.SHORT_ID],
            words.number(one.value),
            str(one.call or ""),
            _others(children[one.program_id], line),
            one.note or ("the seed" if one.parent_id is None else ""),
        )
        for one in line
    ]
    counts = Counter(one.became for one in found.programs[1:])
    told = ", ".join(f"{what} {counts[what]:,}" for what in BECAME if counts[what])
    headings = ("program", "on search", "call", "others of it", "what was asked, says the improver")
    table = Table("From the seed to the best program", headings, tuple(rows))
    config = view.head.config
    trace = next_command("show", f"{view.head.run_id} --trace", config["store"])
    beside = f"All {len(found.programs):,} programs, beside what they came from: {told}."
    data = found.as_json()
    sheet = Sheet("descent", tuple(data[0]), data)
    blocks = (table, Paragraph(f"{beside} As a tree:", trace))
    yield Section("descent", "How the best program came about", blocks, data, (sheet,))


def _others(children: Sequence[Born], line: Sequence[Born]) -> str:
    """Children that are not of the line, and how many were better than their parent."""
    others = [one for one in children if one not in line]
    better = sum(one.became in ("better", "best so far") for one in others)
    return f"{len(others):,}" + (f", {better:,} better" if better else "")


@dataclass(frozen=True, slots=True)
class _Scored:
    """A program that was scored on search.

    Attributes:
        calls, samples: of the model, answered before.
        value: of the program; best: the best value so far.
    """

    calls: int
    samples: int
    program_id: str
    value: float
    best: float


def _scored(events: Iterable[Event], task: TaskVersion) -> list[_Scored]:
    """Programs that were scored on the instances of the search, each time that one was new."""
    calls = samples = 0
    seen: set[str] = set()
    found: list[_Scored] = []
    for event in events:
        match event.body:
            case LmAnswer(usage=usage):
                calls += usage.lm_calls
                samples += usage.samples
            case Evaluation(stream="search", value=value) as one:
                if value is not None and event.key not in seen:
                    seen.add(event.key)
                    best = max(value, found[-1].best, key=task.worth) if found else value
                    found.append(_Scored(calls, samples, one.program, value, best))
    return found


def _figure(scored: Sequence[_Scored], task: str) -> Figure:
    """The best value on search so far against model calls."""
    # A line of steps is where it rises, and where it ends.
    rises = [one for before, one in pairwise(scored) if one.best > before.best]
    best = [{"calls": one.calls, "best": one.best} for one in (scored[0], *rises, scored[-1])]
    many = len(scored) > _MOST_DOTS
    dots = [] if many else [{"calls": one.calls, "value": one.value} for one in scored]
    title = (
        f"Search on {task}: from {words.number(scored[0].value)} to "
        f"{words.number(scored[-1].best)} in {words.counted(scored[-1].calls, 'model call')}"
    )
    return Figure(
        name="search",
        title=title,
        notes=(
            "Line: the best program so far." + ("" if many else " Rings: each program scored."),
        ),
        caption=(
            "Values on the instances that the search itself sees; how the best is judged on "
            "instances that it never saw stands in the table."
        ),
        alt=f"{title}; {words.counted(len(scored), 'program')} scored.",
        chart=SearchChart(dots, best),
    )

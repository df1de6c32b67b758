"""Parts of a page that do not depend on what the study is: of a run, or of several together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from selftaught.analysis.recorded_run import STILL_OPEN, RecordedRun
from selftaught.analysis.run_head import RunHead
from selftaught.analysis.run_view import Counts, ProgramView, RunView, run_view
from selftaught.analysis.spending import Spending
from selftaught.core.budget import Usage
from selftaught.journal.codec import as_json
from selftaught.pages import words
from selftaught.pages.blocks import Block, Facts, Listing, Page, Paragraph, Section, Sheet, Table
from selftaught.studies.lineage import proposal_diff, proposal_table, tree

Json = Mapping[str, Any]

_OF_ALL = {"run_id", "state", "model", "models", "sandbox_tier", "outcomes", "usage", "wall_s"}
ESTIMATE = ("mean", "low", "high", "n")
_BY_ROLE = ("lm_calls", "requests", "samples", "tokens_in", "tokens_out", "usd")


def estimate_cells(measured: Json | None) -> dict[str, Any]:
    """A mean and its interval in columns; empty where nothing was measured."""
    if measured is None:
        return dict.fromkeys(ESTIMATE)
    return bounds(measured) | {"n": measured["n"]}


def bounds(measured: Json) -> dict[str, Any]:
    low, high = measured["ci95"] or (None, None)
    return {"mean": measured["mean"], "low": low, "high": high}


def wall_s(heads: Sequence[RunHead]) -> float | None:
    """By the clock, of all runs; None while one has not ended."""
    known = [head.wall_s for head in heads if head.wall_s is not None]
    return sum(known) if len(known) == len(heads) else None


def state_lead(heads: Sequence[RunHead]) -> Iterator[str]:
    """What they are and how they stand."""
    head = heads[0]
    states = " and ".join(dict.fromkeys(one.state for one in heads))
    took = wall_s(heads)
    took_said = "" if took is None else f", after {words.duration(took)}"
    details = "; ".join(dict.fromkeys(one.detail for one in heads if one.detail))
    why = f" ({details})" if details else ""
    runs = f"{len(heads)} of {head.series.of} runs: " if head.series and len(heads) > 1 else ""
    yield f"Model {head.model}, sandbox {head.tier}. State: {runs}{states}{took_said}{why}."
    seeds = ", ".join(str(one.seed) for one in heads)
    place = ""
    if head.series is not None and len(heads) == 1:
        place = f" It is {words.place(as_json(head.series))}."
    yield (
        f"Started {head.started} by selftaught {head.version}, with "
        f"{'seed' if len(heads) == 1 else 'seeds'} {seeds}.{place}"
    )


def end_page(result: Json, sections: Sequence[Section], *more: str) -> Page:
    """What stands at the end of a run or a series: results, how it ended, what it took."""
    runs = result.get("runs") if "series_id" in result else [result]
    assert runs
    tiers = ", ".join(dict.fromkeys(run["sandbox_tier"] for run in runs))
    ended = "" if result["state"] == "done" else f"ended by: {result['state']}; "
    lines = (
        f"{ended}model {runs[0]['model']}, sandbox {tiers}",
        f"spent: {words.spending(result['usage'], result['wall_s'])}",
        *more,
    )
    became = _outcomes_table([run.get("outcomes", ()) for run in runs])
    models = _models_tables([run.get("models", {}) for run in runs])
    sections = [*sections, *(Section("models", "", (one,)) for one in models)]
    ending = (Section("outcomes", "", (became,)), Section("end", "", tuple(map(Paragraph, lines))))
    return Page("", (), (*sections, *(ending if became.rows else ending[1:])))


def whole_page(
    title: str, views: Sequence[RunView], noun: str, sections: Sequence[Section], *lead: str
) -> Page:
    """All of a run, or of the runs of a series."""
    own = run_sections(views, noun)
    return Page(title, (*state_lead([view.head for view in views]), *lead), (*sections, *own))


def run_sections(views: Sequence[RunView], noun: str) -> list[Section]:
    """Lineage, the best program, spending and counts."""
    return [
        *lineage_section(views),
        *best_section(views, noun),
        spending_section(views),
        outcomes_section(views),
    ]


def plain_page(sections: Sequence[Section], result: Json | None, run: RecordedRun | None) -> Page:
    """Of a run, or of its result by itself, what was measured, and what all runs have."""
    if run is None:
        assert result is not None  # else there is nothing to show
        return end_page(result, sections)
    title = f"{run.head.command} on {', '.join(run.head.task_names)}: run {run.run_id}"
    return whole_page(title, [run_view(run)], "program", sections)


def plain_section(name: str, results: Sequence[Json]) -> Section:
    """What several results say besides what all results do."""
    own = [{k: v for k, v in one.items() if k not in _OF_ALL} for one in results]
    blocks = tuple(Facts(tuple(_facts(one))) for one in own)
    return Section(name, "Result", blocks, own)


def _facts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _facts(part, f"{name}.{key}" if name else str(key))
    else:
        yield name, words.plain(value) if isinstance(value, float) else str(value)


# --- programs -----------------------------------------------------------------------------------


def best_view(views: Sequence[RunView]) -> RunView:
    """The run whose best is best on val, which took no part in any search; test decides nothing."""
    measured = [view for view in views if view.best_value is not None]
    return max(measured or views, key=lambda view: view.best_value or 0.0)


def lineage_section(views: Sequence[RunView]) -> Iterator[Section]:
    """Which improver came from which, what changed, and what became of it."""
    views = [view for view in views if view.proposals]
    if not views:
        return
    blocks: list[Block] = []
    for view in views:
        blocks.append(proposal_table(view, of_many=len(views) > 1))
        blocks += tree(view)
        blocks += [proposal_diff(view, one, of_many=len(views) > 1) for one in view.proposals]
    own = ("t", "k", "parent_id", "improver_id", "accepted", "reason")
    columns = ("run_id", *own[:-1], "proposer_id", *ESTIMATE, "reason")
    rows = [
        {
            **{name: one[name] for name in own},
            "proposer_id": one["parents"][-1],
            **estimate_cells(one["val_difference"]),
            "run_id": view.head.run_id,
        }
        for view in views
        for one in (proposal.as_json() for proposal in view.proposals)
    ]
    data = {view.head.run_id: [one.as_json() for one in view.proposals] for view in views}
    title = "Lineage: what was proposed, and what became of it"
    yield Section("lineage", title, tuple(blocks), data, (Sheet("lineage", columns, rows),))


def best_section(views: Sequence[RunView], noun: str) -> Iterator[Section]:
    view = best_view(views)
    best = view.best
    if best is None or best.source is None:
        return
    blocks: list[Block] = []
    if len(views) > 1:
        said = (
            f"It stands at the end of run {view.head.run_id}, whose improver is worth most on val "
            f"of all runs: {words.number(view.best_value)}."
        )
        blocks.append(Paragraph(said))
    data = {"run_id": view.head.run_id, "val": view.best_value, **asdict(best)}
    blocks += best_blocks(best, best.source, noun)
    yield Section("best", f"The best {noun}", tuple(blocks), data)


def best_blocks(best: ProgramView, source: str, noun: str) -> Iterator[Block]:
    """What changed, and the whole of it."""
    if best.diff == "":
        yield Paragraph(f"The best {noun} is the seed.")
    elif best.diff is not None:
        yield Listing("What changed from the seed", best.diff, is_diff=True)
    elif best.compared_to is not None:
        yield Paragraph("What changed from the seed is too long to be compared.")
    yield from Listing.of_program(f"Program {best.program_id}", source, is_open=False)


# --- what it took -------------------------------------------------------------------------------


def spending_section(views: Sequence[RunView]) -> Section:
    spent = _summed([view.spending for view in views])
    rows = [
        {"role": role, **asdict(usage)}
        for role, usage in [*spent.roles.items(), ("in all", spent.total)]
    ]
    shown = tuple(
        (row["role"], *(f"{row[name]:,}" for name in _BY_ROLE[:-1]), words.dollars(row["usd"]))
        for row in rows
    )
    notes = []
    if spent.unpriced_answers:
        answers = words.counted(spent.unpriced_answers, "answer")
        notes.append(f"{answers} of unknown price, counted as 0 USD.")
    if spent.open_requests:
        requests = words.counted(spent.open_requests, "request")
        notes.append(f"{requests} under way or cut off, not in these sums.")
    headings = ("role", "calls", "requests", "samples", "tokens in", "tokens out", "USD")
    table = Table("", headings, shown, " ".join(notes), counts=True)
    data = spent.as_json() | {"wall_s": wall_s([view.head for view in views])}
    sheet = Sheet("spending", ("role", *_BY_ROLE), rows)
    title = "Spending, by the role of the improver that asked"
    models = _models_tables([view.models for view in views])
    return Section("spending", title, (table, *models), data, (sheet,))


def _models_tables(runs: Sequence[Json]) -> Iterator[Table]:
    """What each of several models took and brought, in all runs; of one run its best, too."""
    rows = []
    for name in sorted({name for run in runs for name in run}):
        each = [run[name] for run in runs if name in run]
        usage = asdict(sum((Usage(**one["usage"]) for one in each), Usage()))
        lost = sum(n for one in each for what, n in one["replies"].items() if "lost" in what)
        best = [one["best"] for one in each if one["best"] and len(runs) == 1]
        told = [(b["program_id"][: words.SHORT_ID], words.number(b["value"])) for b in best]
        counts = (f"{usage[column]:,}" for column in _BY_ROLE[:-1])
        cells = (*counts, words.dollars(usage["usd"]), f"{lost:,}", *(told or [("-", "")])[0])
        rows.append((name, *cells))
    if rows:
        headings = ("", "calls", "requests", "samples", "tokens in", "tokens out", "USD", "lost")
        note = "best: the program of its replies that is worth most on search"
        yield Table("By model", (*headings, "best", "worth"), tuple(rows), note, counts=True)


def outcomes_section(views: Sequence[RunView]) -> Section:
    counts = _together([view.counts for view in views])
    tallies = {
        "improver runs": counts.invocations,
        "candidates": counts.evaluations,
        "requests to the model": counts.requests,
        "responses": counts.responses,
    }
    ranked = {
        what: sorted(tally.items(), key=lambda item: (-item[1], item[0]))
        for what, tally in tallies.items()
    }
    rows: list[dict[str, Any]] = [
        {"what": what, "outcome": outcome, "count": count}
        for what, tally in ranked.items()
        for outcome, count in tally
    ]
    rows += [
        {"what": "runs", "outcome": outcome, "count": count}
        for outcome, count in (("resumed", counts.resumed), ("diverged", counts.diverged))
        if count
    ]
    shown = [
        (what, ", ".join(f"{outcome} {count:,}" for outcome, count in ranked[what]) or "none")
        for what in ("requests to the model", "responses")
        if ranked[what] or what != "responses"  # not every model says why its responses ended
    ]
    if counts.resumed:
        shown.append(("resumed", words.counted(counts.resumed, "time")))
    if counts.diverged:
        runs = words.counted(counts.diverged, "improver run")
        shown.append(("diverged", f"{runs} did something else when started again"))
    is_over = all(view.head.end is not None for view in views)
    became = _outcomes_table([view.outcomes for view in views], is_over=is_over)
    blocks: list[Block] = [became, Facts(tuple(shown))]
    notices = list(dict.fromkeys(notice for view in views for notice in view.notices))
    blocks += [Paragraph(f"Note: {notice}") for notice in notices]
    data = asdict(counts) | {"notices": notices}
    sheet = Sheet("outcomes", ("what", "outcome", "count"), rows)
    return Section("outcomes", "Counts by outcome", tuple(blocks), data, (sheet,))


def _outcome(outcome: str, *, is_over: bool) -> str:
    return "cut by the end" if is_over and outcome == STILL_OPEN else outcome


def _outcomes_table(runs: Sequence[Sequence[Json]], *, is_over: bool = True) -> Table:
    """Of all runs together, by reason."""
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    for one in (one for run in runs for one in run):
        reason = one["what"], one["outcome"]
        counts[reason] += one["count"]
        examples[reason] = examples.get(reason) or one["example"]
    rows = sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0]))
    return Table(
        "What became of all replies, programs and improver runs",
        ("", "outcome", "count", "for example"),
        tuple(
            (what, _outcome(outcome, is_over=is_over), f"{count:,}", examples[what, outcome])
            for (what, outcome), count in rows
        ),
    )


def _summed(each: Sequence[Spending]) -> Spending:
    roles = sorted({role for one in each for role in one.roles})
    return Spending(
        roles={
            role: sum((one.roles.get(role, Usage()) for one in each), Usage()) for role in roles
        },
        unpriced_answers=sum(one.unpriced_answers for one in each),
        open_requests=sum(one.open_requests for one in each),
    )


def _together(each: Sequence[Counts]) -> Counts:
    def tally(name: str) -> dict[str, int]:
        total: Counter[str] = Counter()
        for one in each:
            total.update(getattr(one, name))
        return dict(sorted(total.items()))

    return Counts(
        **{name: tally(name) for name in ("evaluations", "invocations", "requests", "responses")},
        diverged=sum(one.diverged for one in each),
        resumed=sum(one.resumed for one in each),
    )

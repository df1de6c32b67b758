"""One program for people, what it is worth and where it came from; and the tree of a whole run."""

from __future__ import annotations

from collections.abc import Iterator

from selftaught.analysis.descent import Descent
from selftaught.analysis.program_origin import ProgramHistory, ProgramInRun, Worth
from selftaught.analysis.programs import Programs
from selftaught.analysis.trace import CallTrace, ImproverRunTrace, ReplyTrace, RunTrace
from selftaught.core.errors import ConfigError
from selftaught.pages import words
from selftaught.pages.blocks import Block, Facts, Listing, Page, Paragraph, Section, Table
from selftaught.pages.text import unified_diff
from selftaught.studies.next_command import next_command

_TREE = "Its programs: what came from which (+ begins a branch, | goes on with it)"


def programs_page(found: Programs, first: int, last: int) -> Page:
    """The scored programs of a run, the best first, from one place to another."""
    rows = found.rows[first - 1 : last]
    if not rows:
        raise ConfigError(f"run {found.run_id} has no such programs, of {len(found.rows)} in all")
    shown = tuple(
        (
            str(place),
            row.program_id[: words.SHORT_ID],
            row.task,
            "-" if row.value is None else words.number(row.value),
            str(row.improver_run or "-"),
            row.failed,
        )
        for place, row in enumerate(rows, first)
    )
    headings = ("", "program", "task", "on search", "improver run", "how it failed")
    of = f"{first:,} to {first + len(rows) - 1:,} of {len(found.rows):,}"
    more = f"Programs {of}; others: --from, --to. One of them: selftaught show PROGRAM"
    section = Section("programs", "", (Table("", headings, shown, more),))
    return Page(f"Programs of run {found.run_id}, the best first", (), (section,))


def program_page(view: ProgramHistory, store: str) -> Page:
    """In each run that knows it, and the whole of it."""
    sections = [
        Section(
            f"run-{one.head.run_id}",
            f"In run {one.head.run_id}",
            (*_in_run(one, store), *_changed(one, view)),
        )
        for one in view.runs
    ]
    source = Section("source", "Source", Listing.of_program(view.program_id, view.source))
    return Page(f"Program {view.program_id}", (), (*sections, source))


def _in_run(one: ProgramInRun, store: str) -> Iterator[Block]:
    came, *rest = in_run_blocks(one)
    yield came
    if one.origin is not None:
        trace = f"{one.head.run_id} --trace --only {one.origin.number}"
        yield Paragraph("its prompt:", next_command("show", trace, store))
    yield from rest


def in_run_blocks(one: ProgramInRun) -> Iterator[Block]:
    """Where it came from, what it is worth, and what it printed."""
    yield Facts(tuple(_came(one)))
    if one.worth:
        headings = ("task", "stream", "mean with 95 % CI", "n", "failed")
        yield Table("What it is worth", headings, tuple(map(_row, one.worth)))
    for worth in one.worth:
        if worth.printed:
            yield Listing(f"What it printed on {worth.task}, {worth.stream}", worth.printed)


def _changed(one: ProgramInRun, view: ProgramHistory) -> Iterator[Block]:
    if one.seed is not None and one.origin is not None:
        diff = unified_diff(one.seed, view.source, "seed", view.program_id[: words.SHORT_ID])
        if diff:
            yield Listing("What changed from the seed", diff, is_diff=True)


def _came(one: ProgramInRun) -> Iterator[tuple[str, str]]:
    yield "run", f"{one.head.command} on {', '.join(one.head.task_names)}: {one.head.state}"
    origin = one.origin
    if origin is None:
        yield "came from", "what the run began with, or was given"
        return
    reply = "" if origin.call is None else f"reply {origin.reply} in "
    yield (
        "came from",
        f"{reply}improver run {origin.number}, of improver {origin.improver[: words.SHORT_ID]}",
    )
    if origin.parents:
        yield "from programs", ", ".join(one[: words.SHORT_ID] for one in origin.parents)


def _row(worth: Worth) -> tuple[str, ...]:
    measured = None if worth.estimate is None else worth.estimate.as_json()
    failures = ", ".join(f"{kind} {count:,}" for kind, count in worth.failures.items())
    n = "-" if worth.estimate is None else str(worth.estimate.n)
    task = "meta-utility" if worth.task is None else worth.task
    return task, worth.stream, words.mean_and_interval(measured, "\n"), n, failures or "none"


def trace_page(trace: RunTrace, descent: Descent | None = None) -> Page:
    """Everything that was asked and answered, in the order in which improver runs began.

    Args:
        descent: of the programs, which comes first where it is to be shown.
    """
    head = trace.head
    count = words.counted(len(trace.runs), "improver run")
    title = f"Trace of run {head.run_id}: {head.command}, {count}"
    shown: set[str] = set()
    listings = [_run(run, shown) for run in trace.runs]
    if descent is not None and descent.programs:
        listings.insert(0, Listing(_TREE, "\n".join(_tree(descent))))
    return Page(title, (), (Section("trace", "", tuple(listings)),))


def _tree(descent: Descent) -> Iterator[str]:
    """A line a program; what was asked stands with the first of a call."""
    told: set[int] = set()
    for depth, begins, one in descent.tree():
        mark = "+ " if begins and depth else "| " if depth else ""
        worth = one.outcome if one.value is None else words.number(one.value)
        call = f"call {one.call}: " if one.call else ""
        became = "the best" if one.program_id == descent.best else one.became
        note = f"; {one.note}" if one.note and one.call not in told else ""
        told.add(one.call)
        named = f"{'  ' * depth}{mark}{one.program_id[: words.SHORT_ID]}"
        yield f"{named}  {worth}  {call}{became}{note}"


def _run(run: ImproverRunTrace, shown: set[str]) -> Listing:
    where = "meta-utility" if run.task is None else f"{run.task} {run.stream} {run.repeat}"
    title = f"{run.number}. {run.role}: improver {run.improver[: words.SHORT_ID]} on {where}"
    lines = [line for call in run.calls for line in _call(call, shown)]
    return Listing(title, "\n".join([*lines, _ending(run)]))


def _ending(run: ImproverRunTrace) -> str:
    if run.program is None:
        return f"ended: {run.outcome}{f': {run.detail}' if run.detail else ''}"
    value = "not scored" if run.value is None else words.number(run.value)
    uses = words.counted(run.utility_uses, "use")
    return f"returned {run.program[: words.SHORT_ID]} ({value}) after {uses} of the utility"


def _call(call: CallTrace, shown: set[str]) -> Iterator[str]:
    cost = "" if not call.cost_usd else f", {call.cost_usd:.4f} USD"
    tokens = f"{call.tokens_in:,} tokens in, {call.tokens_out:,} out{cost}"
    of = f" of {call.model}" if call.model else ""
    asked = f"{words.counted(call.n, 'sample')}{of} at temperature {call.temperature:g}"
    yield f"model call {call.key[: words.SHORT_ID]}: {asked}; {tokens}"
    if call.note:
        yield f"  note: {call.note}"
    for failure in call.failures:
        yield f"  a request failed: {failure}"
    if call.state == "open":
        yield "  open: no answer is known"
    for name, text in (("system", call.system), ("prompt", call.user)):
        if text in shown:
            yield f"  {name}: as above"
        elif text:
            shown.add(text)
            yield f"  {name}:"
            yield from _quoted(text)
    for reply in call.replies:
        yield f"  reply {reply.place}: {_became(reply)}"
        yield from _quoted(reply.text)
        if reply.printed:
            yield f"  printed by program {(reply.program_id or '')[: words.SHORT_ID]}:"
            yield from _quoted(reply.printed.rstrip("\n"))


def _became(reply: ReplyTrace) -> str:
    program = "" if reply.program_id is None else f"program {reply.program_id[: words.SHORT_ID]}, "
    if reply.value is not None:
        return program + words.number(reply.value)
    why = reply.detail.partition("\n")[0]
    return f"{program}{reply.outcome}{f': {why}' if why else ''}"


def _quoted(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        yield f"    | {line}"

"""One program, one improver run as a conversation, and lists of both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from selftaught.analysis.descent import descent
from selftaught.analysis.program_origin import Origin, ProgramHistory, ProgramInRun, program_view
from selftaught.analysis.trace import CallTrace, ReplyTrace
from selftaught.analysis.trace_part import PartOfRun, trace_part
from selftaught.app.program_page import in_run_blocks
from selftaught.journal.events import Evaluation, Invocation, InvocationEnd, LmCall, Replies, Run
from selftaught.journal.reader import JournalReader
from selftaught.pages import words
from selftaught.pages.blocks import Section
from selftaught.pages.html import section_body
from selftaught.pages.markup import Html, joined, tag
from selftaught.pages.text import unified_diff
from selftaught.studies.next_command import next_command
from selftaught.web.ui.frame import (
    Parts,
    View,
    command,
    facts,
    listing,
    pager,
    place_of,
    program_link,
    section,
    table,
)
from selftaught.web.ui.parts import TREE_ROWS, WITHIN_S, SlowParts, reading, tree_table
from selftaught.web.ui.watch import Watcher

MOST_CALLS, _MOST_RUNS, _MOST_SCORES = 12, 50, 40
_MOST_INSTANCES = 64


# --- a program ----------------------------------------------------------------------------------


def find_program(reader: JournalReader, prefix: str, only_run: str | None) -> View:
    """Where a program came from, what it is worth, and what changed in it. Raises: LookupError;
    ConfigError where several begin so."""
    program_id = reader.resolve_program(prefix)
    found = None if program_id is None else program_view(reader, program_id)
    if found is None:
        raise LookupError(f"no program of this store begins with {prefix[:40]}")
    runs = [one for one in found.runs if only_run in (None, one.head.run_id)] or [*found.runs]
    parts: dict[str, Html] = {}
    for place, one in enumerate(runs):
        parts[f"in-{place}"] = section(
            f"In run {one.head.run_id}", *_in_run(reader, found, one), name=f"run-{place}"
        )
    parts["source"] = section("The whole program", listing(found.program_id, found.source))
    parts["same"] = command(next_command("show", found.program_id, reader.location.url))
    trail = [
        ("Runs", "/"),
        *((f"Run {one.head.run_id}", f"/run/{one.head.run_id}") for one in runs),
    ]
    return View(f"Program {found.program_id[: words.SHORT_ID]}", parts, None, trail[:4])


def _in_run(reader: JournalReader, found: ProgramHistory, one: ProgramInRun) -> Iterator[Html]:
    run_id = one.head.run_id
    yield tag("h3", "Where it came from, and what it is worth")
    yield Html(section_body(Section("worth", "", tuple(in_run_blocks(one))), None))
    if one.origin is not None:
        yield from _came_from(reader, found, one.origin, run_id)
    scores = [
        event.body
        for event in reader.events(run_id, (Evaluation,), of_programs=[found.program_id])
        if isinstance(event.body, Evaluation)
    ]
    if scores:
        yield _scores(scores)


def _came_from(
    reader: JournalReader, found: ProgramHistory, origin: Origin, run_id: str
) -> Iterator[Html]:
    where = f"/run/{run_id}/improver/{origin.number}"
    if origin.call is None:
        said = f"Improver run {origin.number} returned it"
        yield tag("p", tag("a", said, href=where))
    else:
        place = _place_of_call(reader, run_id, origin)
        there = f"{where}?from={place}#reply-{origin.call[: words.SHORT_ID]}-{origin.reply}"
        yield tag("p", tag("a", "The prompt that it came from, and the reply", href=there))
    sources = reader.texts(origin.parents)
    for parent in origin.parents:
        diff = unified_diff(sources[parent], found.source, parent, found.program_id)
        name = f"What changed from parent {parent[: words.SHORT_ID]}"
        yield tag("p", "Parent: ", program_link(parent, run_id))
        if diff:
            yield listing(name, diff, diff=True)
        else:
            yield tag("p", "The same." if diff == "" else "Too long to be compared.")


def _place_of_call(reader: JournalReader, run_id: str, origin: Origin) -> int:
    """So that the page of the conversation begins with it."""
    held = f'"invocation":"{origin.improver_run}"'
    calls = dict.fromkeys(one.key for one in reader.events(run_id, (LmCall,), holding=held))
    return [*calls].index(origin.call or "") + 1 if origin.call in calls else 1


def _scores(scores: Sequence[Evaluation]) -> Html:
    """By instance, with what the utility said of it."""
    rows = [
        (
            f"{one.task}, {one.stream} {one.repeat}",
            one.outcome if one.value is None else words.number(one.value),
            ", ".join(words.number(value) for value in one.per_instance[:_MOST_INSTANCES])
            + (" …" if len(one.per_instance) > _MOST_INSTANCES else ""),
            f"{one.cpu_s:.3f} s",
        )
        for one in scores[:_MOST_SCORES]
    ]
    heads = ("on", "score", "by instance", "CPU")
    told = [
        listing(f"What was said of it on {one.task}, {one.stream} {one.repeat}", said, shown=False)
        for one in scores[:_MOST_SCORES]
        if (said := "\n".join(filter(None, (one.detail, one.feedback))))
    ]
    more = len(scores) - _MOST_SCORES
    note = tag("p", f"and {more:,} more", class_="note") if more > 0 else None
    return joined(tag("h3", "Scores"), table(heads, rows, "Scores"), note, *told)


async def tree_view(watcher: Watcher, run_id: str, first: int) -> View:
    """The whole tree of a run's programs, a page at a time."""

    def read(reader: JournalReader) -> Parts:
        kinds = (Run, Invocation, LmCall, Evaluation, Replies)
        found = descent(reader.events(run_id, kinds))
        shown = tree_table(found, run_id, first)
        of = len(found.programs)
        pages = pager(f"/run/{run_id}/tree", first, TREE_ROWS, of, "programs")
        return {"tree": joined(pages, shown, pages)}

    trail = (("Runs", "/"), (f"Run {run_id}", f"/run/{run_id}"))
    return View("The tree of its programs", await watcher.slowly(read), None, trail)


# --- improver runs ------------------------------------------------------------------------------


def improvers_parts(reader: JournalReader, run_id: str, first: int | None) -> Parts:
    """A page of the improver runs of a run, the last ones if none is asked for."""
    begun: dict[str, Invocation] = {}
    ends: dict[str, InvocationEnd] = {}
    for event in reader.events(run_id, (Invocation, InvocationEnd)):
        match event.body:
            case Invocation() as start:
                begun.setdefault(event.key, start)
            case InvocationEnd() as end:
                ends[event.key] = end
    start_at = max(1, len(begun) - _MOST_RUNS + 1) if first is None else max(1, first)
    rows = []
    listed = [*begun.items()][start_at - 1 : start_at - 1 + _MOST_RUNS]
    for number, (key, one) in enumerate(listed, start_at):
        ended = ends.get(key)
        place = place_of(one.task, one.stream, one.repeat)
        returned: str = "no end"
        if ended is not None:
            returned = program_link(ended.program, run_id) if ended.program else ended.outcome
        spent = "" if ended is None else words.counted(ended.usage.samples, "sample")
        link = tag("a", f"{number}", href=f"/run/{run_id}/improver/{number}")
        rows.append((link, one.role, place, program_link(one.improver, run_id), returned, spent))
    heads = ("number", "role", "on", "improver", "returned", "spent")
    pages = pager(f"/run/{run_id}/improvers", start_at, _MOST_RUNS, len(begun), "improver runs")
    return {"improvers": joined(pages, table(heads, rows, "Improver runs"))}


def conversation_parts(reader: JournalReader, run_id: str, number: int, first: int | None) -> Parts:
    """Prompts, replies and scores of one improver run in their order. Raises: LookupError."""
    part = trace_part(reader, run_id, number, first, MOST_CALLS)
    run = part.run
    returned: str = run.outcome
    if run.program is not None:
        value = "not scored" if run.value is None else words.number(run.value)
        returned = joined(program_link(run.program, run_id), f": {value}")
    head = facts(
        ("role", run.role),
        ("improver", program_link(run.improver, run_id)),
        ("on", place_of(run.task, run.stream, run.repeat)),
        ("calls of the model", f"{part.calls:,}"),
        ("ended", returned),
    )
    failure = listing("How it failed", run.detail) if run.detail else None
    path = f"/run/{run_id}/improver/{number}"
    pages = pager(path, part.first, MOST_CALLS, part.calls, "calls")
    calls = [*_calls(reader, part, run_id)]
    typed = command(next_command("show", f"{run_id} --trace --only {number}", reader.location.url))
    return {"about": joined(head, failure), "calls": joined(pages, *calls, pages), "same": typed}


def _calls(reader: JournalReader, part: PartOfRun, run_id: str) -> Iterator[Html]:
    run = part.run
    replies = [one for call in run.calls for one in call.replies if one.program_id]
    shown = {
        event.body.call: event.body.shown
        for event in reader.events(run_id, (Replies,), holding=f'"invocation":"{run.key}"')
        if isinstance(event.body, Replies) and event.body.shown
    }
    wanted = {one.program_id for one in replies if one.program_id} | set(shown.values())
    sources = reader.texts(wanted)
    told: set[str] = set()
    for place, call in enumerate(run.calls, part.first):
        parent = shown.get(call.key)
        drawn = [
            _reply(call, one, parent, sources.get(parent or ""), sources, run_id)
            for one in call.replies
        ]
        asked = f"{words.counted(call.n, 'response')} at temperature {call.temperature:g}"
        of = f" of {call.model}" if call.model else ""
        cost = f", {words.money(call.cost_usd)}" if call.cost_usd else ""
        spent = f"{call.tokens_in:,} tokens in, {call.tokens_out:,} out{cost}"
        note = tag("p", "The improver's note: ", call.note) if call.note else None
        failed = [tag("p", f"A request failed: {one}", class_="alarm") for one in call.failures]
        waits = tag("p", "No answer yet.") if call.state == "open" else None
        yield section(
            f"Call {place}: {asked}{of}",
            tag("p", spent, class_="note"),
            note,
            *_prompt(call, told),
            *failed,
            waits,
            *drawn,
            name=f"call-{call.key[: words.SHORT_ID]}",
        )


def _prompt(call: CallTrace, told: set[str]) -> Iterator[Html]:
    for name, said in (("System", call.system), ("Prompt", call.user)):
        if said in told:
            yield tag("p", f"{name}: as above.", class_="note")
        elif said:
            told.add(said)
            yield listing(name, said, shown=name == "Prompt" and len(told) <= 2)


def _reply(
    call: CallTrace,
    one: ReplyTrace,
    parent: str | None,
    before: str | None,
    sources: dict[str, str],
    run_id: str,
) -> Html:
    outcome = words.number(one.value) if one.value is not None else one.outcome
    heading = joined(f"Reply {one.place}: ", tag("strong", outcome))
    program = one.program_id
    parts: list[object] = []
    if program is not None:
        parts.append(tag("p", "Program ", program_link(program, run_id)))
    if one.detail:
        parts.append(listing("How it failed", one.detail))
    source = sources.get(program or "")
    if source is not None and before is not None and parent is not None and program is not None:
        diff = unified_diff(before, source, parent, program)
        if diff:
            parts.append(listing("What changed in the program that was shown", diff, diff=True))
        elif diff == "":
            parts.append(tag("p", "The same program as was shown."))
    elif source is not None:
        parts.append(listing("Its program", source))
    if one.printed:
        parts.append(listing("What it printed", one.printed, shown=False))
    parts.append(listing("The whole reply", one.text, shown=program is None))
    name = f"reply-{call.key[: words.SHORT_ID]}-{one.place}"
    return tag("article", tag("h3", heading), *parts, id=name, class_="reply")


def improver_view(
    watcher: Watcher, slow: SlowParts, run_id: str, number: int | None, first: int | None
) -> View:
    """A conversation, or all improver runs where no number is given; alive at its end."""

    async def draw() -> Parts:
        glance = await watcher.glance(run_id, WITHIN_S)
        if glance is None:
            return {"reading": reading(None)}
        state = glance.seen_head(watcher.location).state

        def make(reader: JournalReader) -> Parts:
            if number is None:
                return improvers_parts(reader, run_id, first)
            return conversation_parts(reader, run_id, number, first)

        return await slow.of(f"improver {number} {first}", glance, state, make)

    trail = [("Runs", "/"), (f"Run {run_id}", f"/run/{run_id}")]
    if number is None:
        return View("Improver runs", {}, draw, trail)
    trail.append(("Improver runs", f"/run/{run_id}/improvers"))
    return View(f"Improver run {number}", {}, draw, trail)

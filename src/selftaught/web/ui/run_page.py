"""The page of one run, from its first event to its last."""

from __future__ import annotations

import time
from collections.abc import Iterator

from selftaught.analysis.run_head import RUNNING, RunHead
from selftaught.journal.codec import as_json
from selftaught.pages import words
from selftaught.pages.markup import Html, joined, tag
from selftaught.pages.svg import At, Plot, Series, drawn, numbers_of
from selftaught.studies.next_command import next_command
from selftaught.web.ui.acts_page import act_parts
from selftaught.web.ui.frame import (
    Parts,
    View,
    command,
    facts,
    place_of,
    program_link,
    run_link,
    section,
    since,
    state_mark,
    table,
)
from selftaught.web.ui.glance import Glance, OpenRun
from selftaught.web.ui.parts import WITHIN_S, SlowParts, reading, run_parts
from selftaught.web.ui.watch import Watcher

_MOST_OPEN = 40
_LATEST_RUNS = 12
_UNITS = {
    "lm_calls": "model calls",
    "samples": "samples",
    "tokens": "tokens",
    "usd": "USD",
    "wall_s": "seconds by the clock",
}


def run_view(watcher: Watcher, slow: SlowParts, run_id: str, *, acts: bool) -> View:
    async def draw() -> Parts:
        glance = await watcher.glance(run_id, WITHIN_S)
        if glance is None:
            return {"reading": reading(None)}
        head = glance.seen_head(watcher.location)
        quick = {
            "state": _state(glance, head, watcher),
            "curves": _curves(glance),
            "open": _open(glance, head),
            "steps": _steps(glance),
            **({"acts": act_parts(glance, head, watcher)} if acts else {}),
        }
        rest = await slow.of("run", glance, head.state, lambda reader: run_parts(reader, run_id))
        return {**quick, **rest}

    return View(f"Run {run_id}", {}, draw, (("Runs", "/"),))


def figures_of(glance: Glance) -> dict[str, tuple[str, Plot]]:
    """The curves of a run by the names of their files, each with its title."""
    found: dict[str, tuple[str, Plot]] = {}
    if glance.steps:
        steps = [glance.steps[t] for t in sorted(glance.steps)]
        curve = [
            Series(
                stream,
                [
                    At(one.t, said.mean, *(said.ci95 or (None, None)))
                    for one, _, _ in steps
                    for said in (getattr(one, stream),)
                ],
            )
            for stream in ("val", "test")
        ]
        learning = Plot("step t", "meta-utility", curve, whole=True)
        found["learning"] = "Learning curve, with 95 % intervals", learning
        reached = [(samples, usd, one.val.mean) for one, samples, usd in steps]
        what, dots = "val", []
    else:
        reached = [(one.samples, one.usd, one.value) for one in glance.rises]
        what, dots = "search", [(one.samples, one.usd, one.value) for one in glance.dots]
    if reached:
        reached.append((glance.usage.samples, glance.usage.usd, reached[-1][2]))
        for place, unit in enumerate(("samples", "dollars")):
            if unit == "samples" or glance.usage.usd:
                line = Series("best so far", [At(one[place], one[2]) for one in reached], True)
                rings = [At(one[place], one[2]) for one in dots]
                plot = Plot(f"{unit} spent", f"value on {what}", [line], rings)
                found[unit] = f"Best so far over {unit}", plot
    return found


def _curves(glance: Glance) -> Html:
    drawings = [
        tag(
            "figure",
            tag("figcaption", title),
            drawn(plot, f"{title}: {_seen(plot)}"),
            numbers_of(plot),
            tag("a", "Save as SVG", href=f"/run/{glance.run_id}/{name}.svg", download=True),
        )
        for name, (title, plot) in figures_of(glance).items()
    ]
    if not drawings:
        return section("Curves", tag("p", "Nothing was measured yet."))
    return section("Curves", tag("div", *drawings, class_="curves"))


def _seen(plot: Plot) -> str:
    ends = [
        f"{line.name} from {words.number(line.points[0].y)} to {words.number(line.points[-1].y)}"
        for line in plot.lines
        if line.points
    ]
    return "; ".join(ends)


# --- how it stands ------------------------------------------------------------------------------


def _state(glance: Glance, head: RunHead, watcher: Watcher) -> Html:
    stands = glance.standing
    stream = "val" if stands.value is not None else "search"
    value = stands.search if stands.value is None else stands.value
    best: str = words.number(value)
    if value is not None:
        is_of_curve = glance.values and (stream == "search" or glance.steps)
        began = f", from {words.number(glance.values[0])}" if is_of_curve else ""
        best = joined(f"{words.number(value)} on {stream}{began}")
    if stands.best:
        best = joined(best, ", program ", program_link(stands.best, head.run_id))
    scored = words.counted(glance.scored, "program")
    failed = f", {glance.failed:,} of them failed" if glance.failed else ""
    rate = f", {glance.scored_a_second:.1f} a second" if head.state == RUNNING else ""
    holder = head.lock.holder if head.state == RUNNING else None
    why = f"process {holder.pid} on {holder.host}" if holder else head.detail
    why = f" ({why})" if why else ""
    pairs: list[tuple[str, str]] = [
        ("state", joined(state_mark(head), why)),
        ("what", f"{head.command} on {', '.join(head.task_names) or 'no task'}"),
        ("model", head.model),
        ("step", _step(glance, head)),
        ("best so far", best),
        ("scored", f"{scored}{failed}{rate}"),
        ("improver runs", f"{glance.improver_runs:,}, {len(glance.open)} without an end"),
        ("started", f"{head.started}, seed {head.seed}, sandbox {head.tier}"),
    ]
    if head.series is not None:
        place = f"{words.place(as_json(head.series))}"
        first = run_link(head.series.series_id, "the first of them")
        pairs.append(("series", joined(f"{place}: ", first)))
    spent = [*_spent(glance, head)]
    notices = [tag("li", said) for said in glance.notices]
    return joined(
        tag("div", facts(*pairs), section("Spending", *spent), class_="beside"),
        section("Notices", tag("ul", *notices)) if notices else None,
        command(next_command("show", head.run_id, watcher.shown)),
    )


def _step(glance: Glance, head: RunHead) -> str:
    steps = head.config.get("iterations")
    doing = glance.phase if head.state == RUNNING else ""
    if steps is None or head.command != "run":
        return doing or ("searching" if head.state == RUNNING else "none")
    return f"t = {max(glance.steps, default=0)} of {steps}{f': {doing}' if doing else ''}"


def _spent(glance: Glance, head: RunHead) -> Iterator[Html]:
    """What is spent of each, against its limit, and when that ends the run."""
    spent, budget, rows = glance.spent, glance.budget, []
    for name, unit in _UNITS.items():
        limit, so_far = getattr(budget, name), spent[name]
        if name == "usd" and not (limit or so_far):
            continue
        said = words.dollars(so_far) if name == "usd" else f"{so_far:,.0f}"
        if limit is None:
            rows.append((unit, said, "no limit", ""))
            continue
        share = tag("meter", min=0, max=limit, value=min(so_far, limit), aria_label=unit)
        rows.append((unit, said, f"of {limit:,g}", share))
    yield table(("", "spent", "limit", "share"), rows, "Spending against the budget")
    left_s = glance.left_s()
    if left_s is not None and head.state == RUNNING:
        yield tag("p", f"At this rate the budget ends it in {words.duration(left_s)}.")


def _open(glance: Glance, head: RunHead) -> Html:
    """The improver runs under way, and what each waits for."""
    title = "Improver runs"
    all_of = tag("a", "All improver runs", href=f"/run/{head.run_id}/improvers")
    under_way = [*glance.open.items()]
    if head.state != RUNNING or not under_way:
        said = f"{words.counted(len(under_way), 'improver run')} without an end."
        return section(title, tag("p", said, " ", all_of))
    rows = [
        (
            tag("a", f"{one.number}", href=f"/run/{head.run_id}/improver/{one.number}"),
            one.start.role,
            place_of(one.start.task, one.start.stream, one.start.repeat),
            program_link(one.start.improver, head.run_id),
            _waits(one),
        )
        for _, one in under_way[-_MOST_OPEN:]
    ]
    heads = ("number", "role", "on", "improver", "waits for")
    said = f"{len(under_way):,} under way" + (
        f", the last {_MOST_OPEN} of them:" if len(under_way) > _MOST_OPEN else ":"
    )
    return section(title, tag("p", said), table(heads, rows, "Improver runs under way"), all_of)


def _waits(one: OpenRun) -> Html:
    if one.asked:
        responses = sum(n for n, _ in one.asked.values())
        at = min(at for _, at in one.asked.values())
        return joined(f"the model, {words.counted(responses, 'response')}, ", _ago(at))
    return joined("scores, or its own work, ", _ago(one.heard))


def _ago(at: float) -> Html:
    return since(at, f"since {time.strftime('%H:%M:%S', time.localtime(at))}")


def _steps(glance: Glance) -> Html:
    """Of Algorithm 1: which improver stood, and what was proposed."""
    if not glance.steps:
        return Html()
    rows = []
    for t in sorted(glance.steps):
        step, samples, _ = glance.steps[t]
        proposed = Html()
        for place in sorted(place for place in glance.proposals if place[0] == t):
            one = glance.proposals[place]
            what = program_link(one.improver, glance.run_id) if one.improver else "no program"
            became = words.decision({**as_json(one), "val_difference": None})
            proposed = joined(proposed, "; " if proposed else "", what, f": {became}")
        val, test = (words.mean_and_interval(one_.as_json()) for one_ in (step.val, step.test))
        stands = program_link(step.improver_id, glance.run_id)
        rows.append((f"t = {t}", stands, val, test, f"{samples:,}", proposed))
    heads = ("step", "improver that stands", "val", "test", "samples", "what was proposed")
    return section("Steps", table(heads, rows, "Steps"))

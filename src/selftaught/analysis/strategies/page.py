"""What is shown of strategies: the improvers of a run, then what shows the strategies of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from selftaught.pages import words
from selftaught.pages.blocks import Block, Listing, Paragraph, Section, Sheet, Table

Json = Mapping[str, Any]

# What an improver is that is no proposal of the run, by the kind of the run.
_OTHERS = {"transfer": "the improved improver, compared to it"}
_MOST_SHOWN = {"line": 8, "call": 3}
_SHOWN_QUOTES, _SHOWN_CHARS = 3, 100
_SHEET = (
    *("run_id", "improver_id", "t", "accepted", "strategy", "found_by"),
    *("lines", "calls", "evidence"),
)


def strategies_section(name: str, title: str, found: Sequence[Json]) -> Section:
    """Args: found: objects of `strategies --json`, one a run; with `judge` of each improver or
    without."""
    rows = [
        {
            **{name: improver[name] for name in ("improver_id", "t", "accepted")},
            "run_id": one["run_id"],
            "strategy": strategy["strategy"],
            "found_by": " ".join(strategy["found_by"]),
            "lines": " ".join(map(str, strategy["source"])),
            "calls": len(strategy["calls"]),
            "evidence": strategy["evidence"],
        }
        for one in found
        for improver in one["improvers"]
        for strategy in improver["strategies"]
    ]
    blocks = tuple(block for one in found for block in strategies_blocks(one))
    return Section(name, title, blocks, [*found], (Sheet(name, _SHEET, rows),))


def strategies_blocks(found: Json) -> Iterator[Block]:
    """Of the improvers of one run; with what changed in each where that was asked for."""
    rows = []
    for branch, one in _as_tree(found["improvers"]):
        values = (words.mean_and_interval(one[name], "\n") for name in ("val", "test"))
        improver = f"{branch}{_short(one)}"
        if one["accepted"] is not None:
            became = f"{'adopted' if one['accepted'] else 'refused'}: {words.reason(one['reason'])}"
        elif one is found["improvers"][0]:
            became = "the improver to begin with"
        else:
            became = _OTHERS.get(found.get("kind", ""), "run beside it")
        rows.append((str(one["t"]), improver, *values, became))
    title = f"Improvers of run {found['run_id']}, and where they came from"
    note = "lines: of the improver's program; calls: of the model, as show --trace has them"
    yield Table(title, ("t", "improver", "val", "test", "became"), tuple(rows), note)
    for one in found["improvers"]:
        yield _evidence(one)
        yield from map(Paragraph, _judged(one))
        if one["parent"] is not None and "diff" in one:
            yield _diff(one["diff"])


def _evidence(one: Json) -> Table:
    rows = []
    for strategy in one["strategies"]:
        name = strategy["strategy"]
        for finding in strategy["findings"]:
            rows.append((name, finding["by"], _shown(finding)))
            name = ""
    if not rows:
        rows.append(("none found", "", "" if one["unreadable"] is None else "in its calls"))
    note = "" if one["unreadable"] is None else f"its program was not read: {one['unreadable']}"
    runs = words.counted(one["traced_runs"], "improver run")
    title = f"Strategies of {_short(one)}, in its program and in {runs}"
    return Table(title, ("strategy", "found by", "evidence"), tuple(rows), note)


def _shown(finding: Json) -> str:
    """Such as "lines 3, 14: prompts take their words from a list"."""
    places = _listed("line", [str(line) for line in finding["lines"]])
    places = places or _listed("call", [key[: words.SHORT_ID] for key in finding["calls"]])
    quotes = [f"`{one[:_SHOWN_CHARS]}`" for one in finding["quotes"]]
    more = [f"{len(quotes) - _SHOWN_QUOTES} more"] if len(quotes) > _SHOWN_QUOTES else []
    return f"{places}: {finding['evidence'] or ', '.join(quotes[:_SHOWN_QUOTES] + more)}"


def _judged(one: Json) -> Iterator[str]:
    if "judge" not in one:
        return
    judge = one["judge"]
    if judge is None:
        yield "The judge was not asked about it: the budget ended, or its program is not held."
    elif judge["unusable"] is not None:
        yield f"The judge's answer is unusable: {judge['unusable']}"
    elif judge["false_quotes"] or judge["thrown_away"]:
        quotes = words.counted(judge["false_quotes"], "quote")
        names = f", and with them {', '.join(judge['thrown_away'])}" if judge["thrown_away"] else ""
        yield f"Thrown away of the judge's answer: {quotes} not in the program{names}"


def _diff(diff: str | None) -> Block:
    if not diff:
        said = "what changed is not known: a program is missing, or too long to compare"
        return Paragraph(said if diff is None else "the same program")
    return Listing("What changed", diff, is_diff=True)


def _listed(noun: str, names: list[str]) -> str:
    """Such as "lines 3, 14" or "calls 1b2c3d4e, 5f60718a and 17 more"; empty for none."""
    if not names:
        return ""
    shown = names if len(names) <= _MOST_SHOWN[noun] else names[: _MOST_SHOWN[noun] - 1]
    more = f" and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
    return f"{noun}{'' if len(names) == 1 else 's'} {', '.join(shown)}{more}"


def _short(one: Json) -> str:
    return str(one["improver_id"][: words.SHORT_ID])


def _as_tree(improvers: Sequence[Json]) -> Iterator[tuple[str, Json]]:
    """Each improver after its parent, with the branch on which it hangs."""
    known = {one["improver_id"] for one in improvers}
    children: dict[str | None, list[Json]] = {}
    for one in improvers:
        is_root = one["parent"] not in known or one["parent"] == one["improver_id"]
        children.setdefault(None if is_root else one["parent"], []).append(one)
    waiting = [(0, one) for one in reversed(children.get(None, []))]
    while waiting:
        depth, one = waiting.pop()
        yield "  " * (depth - 1) + "└ " if depth else "", one
        below = children.get(one["improver_id"], [])
        waiting += [(depth + 1, child) for child in reversed(below)]

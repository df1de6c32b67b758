"""What a replay came to, for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from selftaught.pages import words
from selftaught.pages.blocks import Page, Paragraph, Section

_SHOWN = 20
_LINE_CHARS = 200


def replay_page(replayed: Mapping[str, Any]) -> Page:
    """How many events came out the same, and each one that did not."""
    how = "scored anew" if replayed["rescored"] else "scores from the journal"
    title = f"Replay of run {replayed['run_id']}: no model, {how}"
    return Page(title, (), (Section("replay", "", tuple(map(Paragraph, _lines(replayed)))),))


def _lines(replayed: Mapping[str, Any]) -> Iterator[str]:
    differences, diverged = replayed["differences"], replayed["diverged"]
    for kind, count in replayed["events"].items():
        other = sum(difference["kind"] == kind for difference in differences)
        yield f"{kind}: {count - other:,} of {count:,} the same"
    for difference in differences[:_SHOWN]:
        yield f"differs: {difference['kind']} {difference['key']}"
        for name in ("before", "now"):
            yield f"  {name + ':':<8}{json.dumps(difference[name])[:_LINE_CHARS]}"
    for one in diverged[:_SHOWN]:
        yield f"diverged: improver run {one['key']} {one['detail']}"
    hidden = max(0, len(differences) - _SHOWN) + max(0, len(diverged) - _SHOWN)
    if hidden:
        yield f"and {hidden} more (--json shows all)"
    same = "the same, event by event" if not (differences or diverged) else "not the same"
    yield f"{words.counted(sum(replayed['events'].values()), 'event')}: {same}"

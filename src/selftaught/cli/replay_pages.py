"""What a replay came to, for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from selftaught.analysis import words
from selftaught.analysis.safe_text import printable
from selftaught.cli.report import print_title, say

_SHOWN = 20
_LINE_CHARS = 200


def print_replay(console: Console, replayed: Mapping[str, Any]) -> None:
    """How many events came out the same, and each one that did not."""
    differences, diverged = replayed["differences"], replayed["diverged"]
    total = sum(replayed["events"].values())
    how = "scored anew" if replayed["rescored"] else "scores from the journal"
    print_title(console, f"Replay of run {replayed['run_id']}: no model, {how}")
    for kind, count in replayed["events"].items():
        other = sum(difference["kind"] == kind for difference in differences)
        say(console, f"{kind}: {count - other:,} of {count:,} the same")
    for difference in differences[:_SHOWN]:
        say(console, f"differs: {difference['kind']} {difference['key']}")
        for name in ("before", "now"):
            text = json.dumps(difference[name])
            say(console, f"  {name + ':':<8}{printable(text[:_LINE_CHARS])}")
    for one in diverged[:_SHOWN]:
        say(console, f"diverged: improver run {one['key']} {printable(one['detail'])}")
    hidden = max(0, len(differences) - _SHOWN) + max(0, len(diverged) - _SHOWN)
    if hidden:
        say(console, f"and {hidden} more (--json shows all)")
    same = "the same, event by event" if not (differences or diverged) else "not the same"
    say(console, f"{words.counted(total, 'event')}: {same}")

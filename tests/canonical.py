"""A journal as text that two equal runs share, for golden files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from selftaught.journal.codec import Event, as_json
from selftaught.journal.reader import JournalReader

# What differs between two runs of the same thing: clocks, the machine, and the place of the store.
# A task's version is kept: it says that the task itself is another.
_VOLATILE = frozenset(
    {"run_id", "started", "at", "seq", "cpu_s", "wall_s", "tier", "sandbox_tier", "store"}
)
_VOLATILE_AT_TOP = _VOLATILE | {"version"}
_TEXT_ID = re.compile(r"[0-9a-f]{32}")


def canonical_journal(reader: JournalReader, run_id: str) -> str:
    """The whole journal of a run, without what is volatile.

    Events come first, one JSON object a line, ordered by kind, key and body; then every text that
    they name, by id, one JSON string a line of it. All ASCII.
    """
    events = list(reader.events(run_id))
    entries = sorted(_entry(event) for event in events)
    lines = [f'{{"kind": {kind}, "key": {key}, "body": {body}}}' for kind, key, body in entries]
    named = sorted({text_id for event in events for text_id in _text_ids(as_json(event.body))})
    for text_id in named:
        text = reader.text(text_id)
        if text is not None:
            lines.append(f"text {text_id}")
            lines.extend(f"  {json.dumps(line)}" for line in text.split("\n"))
    return "".join(f"{line}\n" for line in lines)


def _entry(event: Event) -> tuple[str, str, str]:
    """Kind, key and body as JSON, by which the events are ordered."""
    body = _stable(as_json(event.body), _VOLATILE_AT_TOP)
    kind, key, rest = (
        json.dumps(part, sort_keys=True).replace(event.run_id, "RUN")
        for part in (event.kind, event.key, body)
    )
    return kind, key, rest


def _stable(value: Any, volatile: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {
            name: _stable(part, _VOLATILE) for name, part in value.items() if name not in volatile
        }
    if isinstance(value, list):
        return [_stable(part, _VOLATILE) for part in value]
    return value


def _text_ids(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if _TEXT_ID.fullmatch(value):
            yield value
        return
    parts: Iterable[Any] = ()
    if isinstance(value, dict):
        parts = value.values()
    elif isinstance(value, list):
        parts = value
    for part in parts:
        yield from _text_ids(part)

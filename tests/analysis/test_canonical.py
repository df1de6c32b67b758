"""The canonical dump: equal for equal runs, whatever the clock, the order and the store."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

from handmade_journal import BETTER_ID, STOP_RUN, write_stop_run

from canonical import canonical_journal
from selftaught.journal.journal import open_journal
from selftaught.journal.reader import JournalReader, open_reader


class Recorder:
    """A journal in memory, to write the same events in another order."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def append(self, *call: Any) -> None:
        self.calls.append(call)

    async def flush(self, *, durable: bool = False) -> None: ...

    async def aclose(self) -> None: ...


def dump(tmp_path: Path, run_id: str, shuffle_seed: int, **changes: Any) -> str:
    url = f"sqlite:///{tmp_path}/{run_id}.db"
    recorder = Recorder()
    write_stop_run(recorder, run_id, **changes)
    random.Random(shuffle_seed).shuffle(recorder.calls)

    async def write() -> None:
        journal = open_journal(url, clock=lambda: float(shuffle_seed))
        for call in recorder.calls:
            journal.append(*call)
        await journal.aclose()

    asyncio.run(write())
    with open_reader(url) as reader:
        return canonical_journal(reader, run_id)


def test_the_dump_does_not_depend_on_the_order_the_clock_the_machine_or_the_names(
    tmp_path: Path,
) -> None:
    here = dump(tmp_path, STOP_RUN, 1)
    there = dump(
        tmp_path,
        "20301231-2359-ffff",
        2,
        tier="sealed",
        version="9.9",
        started="2030",
        config={"iterations": 2, "store": "sqlite:///elsewhere.db"},
    )
    assert here == there


def test_the_dump_tells_runs_apart_that_differ_in_substance(tmp_path: Path) -> None:
    assert dump(tmp_path, "a-run", 1) != dump(tmp_path, "b-run", 1, seed=8)


def test_the_dump_is_ascii_with_ordered_events_first_and_then_the_texts(
    reader: JournalReader,
) -> None:
    text = canonical_journal(reader, STOP_RUN)
    assert text.isascii()
    assert STOP_RUN not in text
    lines = text.splitlines()
    n_events = len(list(reader.events(STOP_RUN)))
    assert lines[:n_events] == sorted(lines[:n_events])
    assert all(line.startswith('{"kind": ') for line in lines[:n_events])
    assert f"text {BETTER_ID}" in lines[n_events:]
    assert r'  "improve \udc80 this"' in lines
    for volatile in ("cpu_s", "wall_s", "started", "namespaced", "0.1.0"):
        assert volatile not in text

"""The strategies of a run's improvers: a store is read, and programs are read in the sandbox."""

from __future__ import annotations

from typing import Any

from selftaught.analysis.run_head import read_head
from selftaught.analysis.strategies.found import origin_of, read_run, strategies_json
from selftaught.app.parts import executor_for
from selftaught.journal.reader import open_reader
from selftaught.pages.text import unified_diff


async def find_strategies(store: str, run: str, *, with_diff: bool = False) -> dict[str, Any]:
    """The object of `strategies --json`, of a run by its id, the start of it, or `latest`.

    Args:
        with_diff: each improver has `diff`, from its parent: empty for equal programs, None where
            there is no parent, or a program is missing or too long to compare.
    Raises: ConfigError if there is no such run; SandboxUnavailable.
    """
    with open_reader(store) as reader:
        run_id = origin_of(reader, run)
        kind = read_head(reader, run_id).command
        async with executor_for(slots=1) as executor:
            improvers = strategies_json(await read_run(reader, run_id, executor))
        for one in improvers if with_diff else ():
            parent, child = one["parent"], one["improver_id"]
            before, after = reader.text(parent or ""), reader.text(child)
            one["diff"] = None
            if before is not None and after is not None:
                one["diff"] = unified_diff(before, after, parent, child)
    return {"run_id": run_id, "kind": kind, "improvers": improvers}

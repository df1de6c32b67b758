"""The strategies of a run's improvers: a store is read, and programs are read in the sandbox."""

from __future__ import annotations

import asyncio

from selftaught.analysis.strategies.found import SourceReading, read_source, reading_job
from selftaught.analysis.strategies.of_run import RunStrategies, improver_sources, run_strategies
from selftaught.app.parts import executor_for
from selftaught.core.ports import Executor
from selftaught.journal.reader import open_reader


async def find_strategies(store: str, run: str) -> RunStrategies:
    """The strategies of a run, by its id, the start of it, or `latest`.

    Raises: ConfigError if there is no such run; SandboxUnavailable.
    """
    with open_reader(store) as reader:
        run_id = reader.resolve_run(run)
        sources = improver_sources(reader, run_id)
        async with executor_for(slots=1) as executor:
            readings = await read_sources(executor, sources)
        return await asyncio.to_thread(run_strategies, reader, run_id, readings)


async def read_sources(
    executor: Executor, sources: dict[str, str | None]
) -> dict[str, SourceReading]:
    """What programs' texts show, by id; those without a text are left out."""
    job = reading_job()
    texts = {name: text for name, text in sources.items() if text is not None}
    found = await asyncio.gather(*(read_source(executor, job, text) for text in texts.values()))
    return dict(zip(texts, found, strict=True))

"""The port through which a run writes its journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from selftaught.journal.codec import Body


class Journal(Protocol):
    """Append-only events of runs, and texts stored once by content hash. Safe from any thread."""

    def append(self, run_id: str, body: Body, key: str, texts: Sequence[str] = ()) -> None:
        """Queue one event, and the texts that its body names by `content_id`. Does not wait.

        Args:
            run_id: the run.
            body: what happened; NaN and infinities are not allowed in it.
            key: the key of the thing that it happened to.
            texts: full texts whose ids the body holds.
        Raises: InfrastructureError if an earlier event could not be written.
        """
        ...

    async def flush(self, *, durable: bool = False) -> None:
        """Wait until all events queued so far are committed; durable: and on the disk."""
        ...

    async def aclose(self) -> None: ...


class NoJournal:
    """The port for what leaves no trace: rehearsals, and trials of the sandbox."""

    def append(self, run_id: str, body: Body, key: str, texts: Sequence[str] = ()) -> None:
        """Nothing is kept."""

    async def flush(self, *, durable: bool = False) -> None:
        """Nothing waits."""

    async def aclose(self) -> None:
        """Nothing is held."""

"""A journal for what leaves no trace: rehearsals, and trials of the sandbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class NoJournal:
    """The `Journal` port, which keeps nothing."""

    def append(
        self, run_id: str, kind: str, key: str, body: Mapping[str, Any], texts: Sequence[str] = ()
    ) -> None:
        """Nothing is kept."""

    async def flush(self, *, durable: bool = False) -> None:
        """Nothing waits."""

    async def aclose(self) -> None:
        """Nothing is held."""

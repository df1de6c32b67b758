"""The meta-utility as improvers of improvers may query it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.engine.context import RunContext
from selftaught.engine.keys import make_key
from selftaught.engine.utilities import CachedMetaUtility, Facts, QueriedUtility


class MetaQuery(QueriedUtility):
    """The meta-utility as an improver of improvers may query it: on search, by its mean."""

    depth = 0
    lowest = 0.0

    def __init__(
        self,
        context: RunContext,
        u_meta: CachedMetaUtility,
        description: str,
        past: Callable[[Program], Awaitable[dict[str, Any]]] | None = None,
        name: str | None = None,
    ) -> None:
        """
        Args:
            past: what is known of an improver, if that is told.
            name: of its instances, where a run has several such.
        """
        self._u_meta = u_meta
        self._past = past
        self._name = name
        self.key = make_key(context.root, "meta", *(() if name is None else (name,)))
        self.description = description

    async def past_of(self, program: Program) -> dict[str, Any]:
        return {} if self._past is None else {"history": await self._past(program)}

    async def query(self, program: Program) -> tuple[float, str]:
        improver = self._u_meta.build(Program(program.source, IMPROVER_ENTRY))
        score = await self._u_meta.score(improver, "search")
        means = {task: math.fsum(v) / len(v) for task, v in score.values.items()}
        feedback = ", ".join(f"{task}: {mean:.4f}" for task, mean in means.items())
        return score.estimate.mean, feedback

    def facts(self) -> Facts:
        return {"task": None, "stream": "search", "repeat": self._name}

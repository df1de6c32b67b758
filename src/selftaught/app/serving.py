"""A model by itself, without a run: what serving it to other tools needs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from selftaught.app.compose import executor_for
from selftaught.app.discovery import check_model_name, make_model
from selftaught.core.language_model import LanguageModel, ModelServices


@asynccontextmanager
async def running_model(
    name: str, *, tier: str = "auto", slots: int | None = None
) -> AsyncIterator[LanguageModel]:
    """The model of a name, with guests for it; both are gone at the end.

    Raises: ConfigError; SandboxUnavailable.
    """
    check_model_name(name)
    async with executor_for(tier, slots) as executor:
        model = make_model(name, ModelServices(executor))
        try:
            yield model
        finally:
            await model.aclose()

"""`callable:NAME`: a Python function, given as `model=` in Python and nowhere else."""

from __future__ import annotations

import asyncio
import inspect
import threading
import traceback
from collections.abc import Sequence
from typing import Any, cast

from selftaught.core.blame import own_place, words_of
from selftaught.core.errors import ConfigError, ModelFailure
from selftaught.core.language_model import (
    Completions,
    FreeModel,
    ModelFunction,
    ModelServices,
    Prompt,
)
from selftaught.models.prices import Prices, Tokens, find_prices

PROVIDER = "callable"
_KINDS = (list, tuple)


def name_of(function: ModelFunction) -> str:
    """How runs call a function: `callable:NAME`."""
    return f"{PROVIDER}:{getattr(function, '__name__', type(function).__name__)}"


class FunctionModel(FreeModel):
    """The user's own code, on the host. What it takes is not known: then the worst is counted."""

    def __init__(self, function: ModelFunction, prices: Prices | None, timeout_s: float) -> None:
        self.name = name_of(function)
        self._function = function
        self._prices = prices
        self._timeout_s = timeout_s

    def most_usd(self, tokens_in: int, tokens_out: int) -> float | None:
        prices = self._prices
        return None if prices is None else prices.most_usd(Tokens(tokens_in, tokens_out))

    async def sample(self, prompt: Prompt) -> Completions:
        """What the function returns: it runs in a thread, or, if it is async, on this loop."""
        try:
            async with asyncio.timeout(self._timeout_s) as timeout:
                texts = await self._answer(prompt)
        except Exception as error:  # noqa: BLE001 - it may raise anything
            place = own_place(traceback.extract_tb(error.__traceback__))
            where = "" if place is None else f" ({place[0]}:{place[1]})"
            said = f"raised {words_of(error)}{where}"
            if timeout.expired():
                said = f"did not answer within {self._timeout_s:g} s (request_timeout_s)"
            # One that has never answered is asked three times, not ten: it is likely to be wrong.
            late = timeout.expired()
            said = f"{self.name} {said}"
            raise ModelFailure(said, kind="fault", maybe_billed=late) from None
        if (
            not isinstance(texts, _KINDS)
            or not texts
            or not all(isinstance(text, str) for text in texts)
        ):
            raise ModelFailure(
                f"{self.name} must return a list of texts (str), as many as prompt.n, not "
                f"{_shape(texts)}",
                kind="rejected",
            )
        return Completions(tuple(texts), None, self.name, cost_usd=None)

    async def _answer(self, prompt: Prompt) -> Sequence[str]:
        function = cast(Any, self._function)
        if any(map(inspect.iscoroutinefunction, (function, type(function).__call__))):
            return cast("Sequence[str]", await function(prompt))
        found = await _in_thread(function, prompt)
        return cast("Sequence[str]", await found if inspect.isawaitable(found) else found)


async def _in_thread(function: Any, prompt: Prompt) -> Any:
    """Its result, from a thread that keeps no process from ending."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Any] = loop.create_future()

    def tell(result: Any, error: BaseException | None) -> None:
        if ended.done():  # nobody waits for it any more
            return
        if error is None:
            ended.set_result(result)
        else:
            ended.set_exception(error)

    def work() -> None:
        result, failure = None, None
        try:
            result = function(prompt)
        except BaseException as error:  # noqa: BLE001 - SystemExit would be lost in a thread
            failure = error
            if not isinstance(error, Exception) or isinstance(error, StopIteration):
                failure = RuntimeError(words_of(error))
        loop.call_soon_threadsafe(tell, result, failure)

    threading.Thread(target=work, name="selftaught-model", daemon=True).start()
    return await ended


def _shape(texts: object) -> str:
    kind = type(texts).__name__
    if not isinstance(texts, _KINDS):
        return kind
    if not texts:
        return f"an empty {kind}"
    return f"a {kind} of {', '.join(sorted({type(text).__name__ for text in texts}))}"


def create(model: str, services: ModelServices) -> FunctionModel:
    """The factory for `callable:...`. Raises: ConfigError where the function is not given."""
    function = services.function
    if function is None or name_of(function) != f"{PROVIDER}:{model}":
        given = "" if function is None else f", not {name_of(function)}"
        raise ConfigError(
            f"the model {PROVIDER}:{model} is a Python function{given}: go on from Python, and "
            f"give it again, st.improve(..., model={model}, resume=RUN)"
        )
    settings = services.settings
    prices = None
    if settings.price_in is not None or settings.price_out is not None:
        prices = find_prices(settings, model, provider=PROVIDER, url=None)
    return FunctionModel(function, prices, settings.timeout_s)

"""What a provider's tokens cost: as the user says, or as published (genai-prices, shipped data)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from selftaught.core.errors import ConfigError
from selftaught.core.language_model import ModelSettings

_MILLION = 1e6


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one answer.

    Attributes:
        into: all input tokens, those read from and written to a cache included.
        out: all output tokens, reasoning included.
        cache_read, cache_written: parts of `into` that have prices of their own.
    """

    into: int
    out: int
    cache_read: int = 0
    cache_written: int = 0


@dataclass(frozen=True, slots=True)
class FlatPrices:
    """USD per million tokens, as the user says; caches make no difference."""

    into: float
    out: float

    def usd(self, tokens: Tokens) -> float:
        return (tokens.into * self.into + tokens.out * self.out) / _MILLION

    def most_usd(self, tokens: Tokens) -> float:
        return self.usd(tokens)

    @property
    def context_tokens(self) -> int | None:
        return None  # nobody has said

    def __str__(self) -> str:
        return f"{self.into:g} USD per million tokens in, {self.out:g} out, as given"


class ListedPrices:
    """The published prices of one model, long-context tiers and caches included.

    Attributes:
        context_tokens: what prompt and response may have together; None if it is not published.
    """

    context_tokens: int | None = None

    def __init__(self, model: str, *, provider: str | None, url: str | None) -> None:
        """Raises: LookupError if the model is not listed for the provider, or the URL's."""
        self._model = model
        self._where = {"provider_id": provider} if url is None else {"provider_api_url": url}
        self._most = lru_cache(maxsize=4096)(self._most_anew)
        self.usd(Tokens(1, 1))

    def usd(self, tokens: Tokens) -> float:
        from genai_prices import Usage, calc_price

        usage = Usage(
            input_tokens=tokens.into,
            output_tokens=tokens.out,
            cache_read_tokens=tokens.cache_read or None,
            cache_write_tokens=tokens.cache_written or None,
        )
        found = calc_price(usage, self._model, **self._where)
        self.context_tokens = found.model.context_window
        return float(found.total_price)

    def most_usd(self, tokens: Tokens) -> float:
        """The same at its worst, whatever is read from or written to caches."""
        return self._most(tokens.into, tokens.out)

    def _most_anew(self, into: int, out: int) -> float:
        # Writing to a cache may cost more than plain input, where the provider has such a price.
        return max(self.usd(Tokens(into, out)), self.usd(Tokens(into, out, cache_written=into)))

    def __str__(self) -> str:
        million = int(_MILLION)
        into, out = self.usd(Tokens(1000, 0)) * 1000, self.usd(Tokens(0, million))
        return f"{into:g} USD per million tokens in, {out:g} out, as published"


Prices: TypeAlias = FlatPrices | ListedPrices


def find_prices(
    settings: ModelSettings, model: str, *, provider: str, url: str | None
) -> Prices | None:
    """The prices that the user gave, else the published ones, else None.

    Args:
        model: the provider's name of the model.
        provider: the provider's id, if `url` is None.
        url: of another server than the provider's own.
    Raises: ConfigError if only one of two prices is given.
    """
    given = (settings.price_in, settings.price_out)
    if None not in given:
        return FlatPrices(*given)  # type: ignore[arg-type]
    if given != (None, None):
        raise ConfigError("give both prices, --price-in and --price-out, or none")
    try:
        return ListedPrices(model, provider=provider, url=url)
    except LookupError:
        return None

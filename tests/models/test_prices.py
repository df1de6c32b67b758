"""What tokens cost: as given, as published, or not known."""

from __future__ import annotations

from typing import Any

import pytest

from selftaught.core.errors import ConfigError
from selftaught.core.language_model import FreeModel, ModelSettings, prompt_chars
from selftaught.models.prices import FlatPrices, ListedPrices, Tokens, find_prices

MILLION = 1_000_000


def test_given_prices_are_per_million_tokens() -> None:
    prices = find_prices(ModelSettings(price_in=1.0, price_out=4.0), "any", provider="x", url=None)
    assert prices == FlatPrices(1.0, 4.0)
    assert prices.usd(Tokens(MILLION, 500_000)) == 3.0


def test_published_prices_of_a_model_are_found_by_provider_or_by_the_servers_address() -> None:
    by_name = find_prices(ModelSettings(), "gpt-4o", provider="openai", url=None)
    by_url = find_prices(
        ModelSettings(), "gpt-4o", provider="openai", url="https://api.openai.com/v1"
    )
    assert by_name is not None
    assert by_url is not None
    assert by_name.usd(Tokens(1000, 100)) == by_url.usd(Tokens(1000, 100)) > 0
    assert "as published" in str(by_name)


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:8000/v1"])
def test_a_model_that_nobody_lists_has_no_price(url: str | None) -> None:
    assert find_prices(ModelSettings(), "my-own-model", provider="openai", url=url) is None


def test_a_published_model_behind_somebody_elses_server_has_no_known_price() -> None:
    url = "http://127.0.0.1:8000/v1"
    assert find_prices(ModelSettings(), "gpt-4o", provider="openai", url=url) is None


def test_what_comes_from_a_cache_is_cheaper_and_the_worst_case_knows_nothing_of_it() -> None:
    prices = ListedPrices("claude-sonnet-4-5", provider="anthropic", url=None)
    plain, cached = Tokens(10_000, 10), Tokens(10_000, 10, cache_read=9_000)
    written = Tokens(10_000, 10, cache_written=10_000)
    assert prices.usd(cached) < prices.usd(plain) < prices.usd(written)
    assert prices.most_usd(plain) == prices.usd(written)


def test_one_price_alone_is_refused() -> None:
    with pytest.raises(ConfigError, match="both prices"):
        find_prices(ModelSettings(price_out=1.0), "m", provider="openai", url=None)


# --- the context, which is published with them ----------------------------------------------------


def test_a_published_model_has_a_published_context() -> None:
    listed = find_prices(ModelSettings(), "gpt-4o", provider="openai", url=None)
    assert listed is not None
    assert listed.context_tokens == 128_000
    assert FlatPrices(1.0, 4.0).context_tokens is None


def test_a_prompt_has_the_room_that_the_smallest_context_leaves_beside_a_response() -> None:
    def model(tokens: int | None) -> Any:
        return type("Model", (FreeModel,), {} if tokens is None else {"context_tokens": tokens})()

    assert prompt_chars([model(10_000), model(None)], 4_000, 1 << 18) == 3 * 6_000
    assert prompt_chars([model(4_096)], 4_096, 1 << 18) == 3 * 2_048  # each has half
    assert prompt_chars([model(1_000_000)], 4_000, 1 << 18) == 1 << 18
    assert prompt_chars([model(None)], 4_096, 1 << 18) == 3 * (32_768 - 4_096)

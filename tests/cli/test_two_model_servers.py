"""One run with two models on two servers, as a user has them: drawn, paid, told, lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from installed import Done, selftaught

import model_server as ms

WORK = ("improve", "flow_shop", "--lm-calls", "6", "--config", "two.toml")


def configured(here: Path, *servers: ms.ModelServer) -> None:
    """The first is asked three times as often, and costs a tenth."""
    tables = [
        f'[model."openai:{name}"]\nweight = {weight}\nbase_url = "{server.base_url}"\n'
        f"price_in = {price}\nprice_out = {price}\n"
        for name, weight, price, server in zip(
            ("one", "two"), (3, 1), (1, 10), servers, strict=True
        )
    ]
    (here / "two.toml").write_text("".join(tables), encoding="utf-8")


def shown(here: Path) -> dict[str, Any]:
    return dict(json.loads(selftaught("show", "latest", "--json", cwd=here).stdout))


def bill_usd(server: ms.ModelServer, price: float) -> float:
    counts = server.counts()
    return price * (counts.billed_tokens_in + counts.billed_tokens_out) / 1e6


def test_two_models_share_a_run_each_at_its_own_price(here: Path) -> None:
    with ms.ModelServer() as one, ms.ModelServer() as two:
        configured(here, one, two)
        done = selftaught(*WORK, "--json", cwd=here)
        page = selftaught("show", "latest", cwd=here).stdout
        replayed = selftaught("replay", "latest", "--json", cwd=here)
        verified = selftaught("verify", cwd=here)
    assert done.code == 0, done.stderr
    result = json.loads(done.stdout)
    models = result["models"]
    assert result["model"] == "openai:one=3, openai:two"
    assert models["openai:one"]["usage"]["usd"] == pytest.approx(bill_usd(one, 1))
    assert models["openai:two"]["usage"]["usd"] == pytest.approx(bill_usd(two, 10))
    for name, amount in result["usage"].items():
        assert sum(part["usage"][name] for part in models.values()) == pytest.approx(amount)
    assert result["usage"]["lm_calls"] == 6
    assert shown(here)["spending"]["models"]["openai:two"] == models["openai:two"]["usage"]
    assert "By model" in page
    assert "replies of openai:two" in page
    assert (replayed.code, json.loads(replayed.stdout)["differences"]) == (0, [])
    assert verified.code == 0, verified.stdout


def test_a_model_whose_server_refuses_its_key_is_a_notice_and_not_the_end(here: Path) -> None:
    plan = ms.always(ms.unauthorized())
    with ms.ModelServer(plan=plan) as one, ms.ModelServer() as two:
        configured(here, one, two)
        done = selftaught(*WORK, "--json", cwd=here)
    assert done.code == 0, done.stderr
    assert done.stderr.count("openai:one answers no more") == 1
    result = json.loads(done.stdout)
    usage = {name: part["usage"] for name, part in result["models"].items()}
    assert usage["openai:one"]["samples"] == 0
    assert usage["openai:two"]["samples"] == result["usage"]["samples"] > 0


def test_an_estimate_of_two_models_counts_the_dearest_and_says_so(here: Path) -> None:
    def estimated(*how: str) -> Done:
        return selftaught("improve", "flow_shop", "--lm-calls", "6", "--estimate", *how, cwd=here)

    with ms.ModelServer() as one, ms.ModelServer() as two:
        configured(here, one, two)
        both = json.loads(estimated("--config", "two.toml", "--json").stdout)
        dear = ("--base-url", two.base_url, "--price-in", "10", "--price-out", "10")
        alone = json.loads(estimated("--model", "openai:two", *dear, "--json").stdout)
        assert "dearest" in estimated("--config", "two.toml").stdout
        assert (one.served, two.served) == ([], [])
    assert both["price"] == "dearest"
    assert both["most"]["usd"] == pytest.approx(alone["most"]["usd"])
    assert "price" not in alone


@pytest.mark.parametrize(
    ("models", "said"),
    [
        (("local:mutator", "local:mutator"), "each model can be given once"),
        (("local:mutator", "nobody:x=2"), "unknown model provider 'nobody'"),
        (
            ("openai:a", "anthropic:b", "--base-url", "http://127.0.0.1:9"),
            "base_url and the key are of one server",
        ),
    ],
)
def test_models_that_cannot_be_asked_together_are_refused_in_a_line(
    models: tuple[str, ...], said: str, here: Path
) -> None:
    given = [word for name in models[:2] for word in ("--model", name)]
    done = selftaught("improve", "flow_shop", *given, *models[2:], cwd=here)
    assert (done.code, said in done.stderr) == (2, True), done.stderr
    assert list(here.iterdir()) == []

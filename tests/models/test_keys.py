"""Where keys come from, and which server gets which."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from selftaught.core.errors import ConfigError
from selftaught.core.language_model import ModelServices, ModelSettings
from selftaught.models.keys import NO_KEY, find_key, variables_for

NOBODY: Any = None


def services(environment: Mapping[str, str], path: Path | None = None) -> ModelServices:
    return ModelServices(NOBODY, ModelSettings(api_key_file=path), environment)


def find(environment: Mapping[str, str], path: Path | None = None, *, needed: bool = True) -> str:
    url = None if needed else "http://127.0.0.1:8000/v1"
    return find_key(services(environment, path), ["A_KEY", "B_KEY"], url, provider="a:b")


def test_the_first_variable_that_is_set_counts() -> None:
    assert find({"B_KEY": "b"}) == "b"
    assert find({"A_KEY": " ", "B_KEY": " b\n"}) == "b"
    assert find({"A_KEY": "a", "B_KEY": "b"}) == "a"


def test_no_key_is_an_error_only_where_one_is_needed() -> None:
    with pytest.raises(ConfigError, match="no key for a:b: set A_KEY or B_KEY"):
        find({})
    assert find({}, needed=False) == NO_KEY


def test_a_file_counts_before_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("of-the-file\n")
    path.chmod(0o600)
    assert find({"A_KEY": "a"}, path) == "of-the-file"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_may_read_is_refused(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("secret")
    path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600") as refused:
        find({}, path)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("key", ["", "two words", "s\u00e9cret", "a\x00b", "k\nk"])
def test_what_is_no_key_is_refused_and_not_quoted(key: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(key, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="is no key") as refused:
        find({}, path)
    assert not key or key not in str(refused.value)
    if key:
        with pytest.raises(ConfigError, match="the key in A_KEY is no key"):
            find({"A_KEY": key})


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        find({}, tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("url", "variable"),
    [
        (None, "OPENAI_API_KEY"),
        ("http://127.0.0.1:8000/v1", "OPENAI_API_KEY"),
        ("https://api.openai.com/v1", "OPENAI_API_KEY"),
        ("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "GEMINI_API_KEY"),
        ("https://mine.openai.azure.com/", "AZURE_OPENAI_API_KEY"),
        ("http://localhost:11434/v1", "OPENAI_API_KEY"),
        ("http://[::1]:8000/v1", "OPENAI_API_KEY"),
        ("http://127.8.9.1", "OPENAI_API_KEY"),
        ("https://eu.api.OpenAI.com/v1", "OPENAI_API_KEY"),
        ("https://api.anthropic.com/v1/", "ANTHROPIC_API_KEY"),
        ("https://api.deepseek.com/anthropic", "DEEPSEEK_API_KEY"),
    ],
)
def test_a_known_server_gets_its_own_key_and_no_others(url: str | None, variable: str) -> None:
    assert variables_for(url, "OPENAI_API_KEY") == [variable]


@pytest.mark.parametrize(
    "host",
    [
        "openrouter.ai.example.org",
        "models.example.org",
        "127.0.0.1.example.org",
        "localhost.example.org",
        "notopenai.com",
        "api-openai.com",
        "gpu-box",
        "192.168.0.7:8000",
        "0.0.0.0",
        "[2001:db8::1]",
    ],
)
def test_any_other_host_gets_no_key_unless_it_is_named(host: str, tmp_path: Path) -> None:
    url, default = f"https://{host}/v1", "OPENAI_API_KEY"
    assert variables_for(url, default) == []
    environment = {default: "k", "MINE": "m"}
    settings = ModelSettings(api_key_env="MINE")
    for told, key in ((ModelSettings(), NO_KEY), (settings, "m")):
        given = ModelServices(NOBODY, told, environment)
        assert find_key(given, variables_for(url, default), url, provider="a:b") == key


def test_a_variable_that_is_named_must_be_one_and_be_set() -> None:
    for name, said in (("MINE", "no key for a:b: set MINE,"), ("sk-12ab", "takes the name of a")):
        given = ModelServices(NOBODY, ModelSettings(api_key_env=name), {"A_KEY": "a"})
        with pytest.raises(ConfigError, match=said) as refused:
            find_key(given, ["A_KEY"], None, provider="a:b")
        assert "sk-12ab" not in str(refused.value)

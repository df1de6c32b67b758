"""What a config.yaml says of the model, in our words."""

from __future__ import annotations

from pathlib import Path

from selftaught.evaluators.settings import read_config


def test_models_with_their_shares_and_how_they_are_asked(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "llm:\n  api_base: http://127.0.0.1:1/v1\n  api_key: ${OWN_KEY}\n  temperature: 0.4\n"
        "  max_tokens: 77\n  timeout: 9\n  top_p: 0.9\n"
        "  models: [{name: large, weight: 0.8}, {name: small, weight: 0.2}]\n"
        "evaluator: {cascade_thresholds: [0.1, 1]}\n"
    )
    found = read_config(path)
    assert found.model == {
        "model": {"openai:large": 0.8, "openai:small": 0.2},
        "base_url": "http://127.0.0.1:1/v1",
        "api_key_env": "OWN_KEY",
        "max_tokens": 77,
        "request_timeout_s": 9,
        "model_args": {"temperature": 0.4},
    }
    assert found.thresholds == (0.1, 1.0)
    assert found.unused == ("llm.top_p",)
    path.write_text("llm: {primary_model: one}\nevaluator: {cascade_evaluation: false}\n")
    found = read_config(path)
    assert (found.model, found.thresholds) == ({"model": "openai:one"}, None)

"""A language model's weights, for the tests that need a real one."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from selftaught.models import gguf


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """What `make test-all` gets; a test that finds none is skipped."""
    file = gguf.cached("smollm2")
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("llama.cpp is not installed: pip install 'selftaught[gguf]'")
    if not file.exists():
        pytest.skip("no model is here: selftaught models --get smollm2")
    return file

"""docs/packages.md lists the modules that guests have."""

from __future__ import annotations

from pathlib import Path

import pytest

from selftaught.core.guest_modules import FOR_IMPROVERS, FOR_TEMPORARY_FILES, PRELOADED

PAGE = Path(__file__).parents[2] / "docs" / "packages.md"


@pytest.mark.parametrize("modules", [PRELOADED, FOR_IMPROVERS, FOR_TEMPORARY_FILES])
def test_the_lists_are_those_that_zygotes_load(modules: tuple[str, ...]) -> None:
    listed = ", ".join(f"`{name}`" for name in modules if not name.startswith("encodings."))
    assert f" {listed}. " in " ".join(PAGE.read_text(encoding="utf-8").split())

"""Each contract of import-linter breaks where an import against it is planted in a copy."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CONTRACTS: list[dict[str, Any]] = tomllib.loads(
    (ROOT / "pyproject.toml").read_text(encoding="utf-8")
)["tool"]["importlinter"]["contracts"]


def forbidden_imports(contract: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Imports, by importer and imported, each of which one line of the contract forbids."""
    if contract["type"] == "acyclic_siblings":
        (package,) = contract["ancestors"]
        yield from itertools.permutations((f"{package}.sections", f"{package}.edge"), 2)
        return
    if contract["type"] == "forbidden":
        yield from itertools.product(contract["source_modules"], contract["forbidden_modules"])
        return
    floors = [floor.split(" | ") for floor in contract["layers"]]
    for upper, lower in itertools.pairwise(floors):
        yield from itertools.product(lower, upper)
    for floor in floors:
        yield from itertools.permutations(floor, 2)


def plant(src: Path, importer: str, imported: str) -> None:
    place = src.joinpath(*importer.split("."))
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    with file.open("a", encoding="utf-8") as opened:
        opened.write(f"\nimport {imported}\n")


def lint(tree: Path) -> str:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_every_import_that_a_contract_forbids_is_found(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    kept = lint(tmp_path)
    assert [f"{contract['name']} KEPT" in kept for contract in CONTRACTS] == [True] * len(CONTRACTS)

    planted = [pair for contract in CONTRACTS for pair in forbidden_imports(contract)]
    for importer, imported in planted:
        plant(tmp_path / "src", importer, imported)
    broken = lint(tmp_path)
    assert [f"{contract['name']} BROKEN" in broken for contract in CONTRACTS] == [True] * len(
        CONTRACTS
    )
    told = [
        pair
        for contract in CONTRACTS
        if contract["type"] != "acyclic_siblings"  # tells of the circle, and not of an import
        for pair in forbidden_imports(contract)
    ]
    assert [
        pair for pair in told if f"{pair[0]} is not allowed to import {pair[1]}" not in broken
    ] == []

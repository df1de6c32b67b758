"""The same suite in other settings: an ordinary user, and what a default container allows."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox_support import SETTINGS_SEEN

ENTER = Path(__file__).parent / "enter_setting.py"
DOCTOR = "from selftaught.cli.main import main; main(['doctor', '--attack', '--json'])"

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(
        platform.machine() != "x86_64", reason="the settings are made with x86-64's numbers"
    ),
]


def examined(setting: str, home: Path) -> dict[str, Any]:
    """What `doctor --attack --json` says in a setting."""
    home.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, str(ENTER), setting, str(home), sys.executable, "-c", DOCTOR],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.stderr.startswith("cannot enter the setting"):
        SETTINGS_SEEN[setting] = f"did not run: {done.stderr.strip()}"
        pytest.skip(done.stderr.strip())
    assert done.stdout, done.stderr
    health: dict[str, Any] = json.loads(done.stdout)
    attacks = health.get("attacks", {"programs": [], "places": [], "wall_s": 0})
    for program in attacks["programs"]:
        for place, verdict in program["verdicts"].items():
            assert verdict["word"] == "blocked", (setting, program["name"], place, verdict)
    count, places = len(attacks["programs"]), " and ".join(attacks["places"])
    took = f"{attacks['wall_s']:.0f} s"
    SETTINGS_SEEN[setting] = f"{count} hostile programs blocked in {places or 'no tier'} ({took})"
    return health


def test_an_ordinary_user_is_as_safe(tmp_path: Path) -> None:
    if os.getuid() != 0:
        SETTINGS_SEEN["user"] = "this very session"
        pytest.skip("this is an ordinary user already: the other tests are those of this setting")
    health = examined("user", tmp_path / "home")
    assert "uid 54321" in health["environment"]["user"]
    assert len(health["attacks"]["programs"]) >= 60
    assert "sealed" in health["attacks"]["places"]


def test_a_container_without_namespaces_is_as_safe(tmp_path: Path) -> None:
    health = examined("container", tmp_path / "home")
    tiers = {tier["tier"]: tier for tier in health["tiers"]}
    assert not tiers["namespaced"]["usable"]
    assert tiers["namespaced"]["fix"]
    assert health["attacks"]["places"] == ["sealed"]
    assert len(health["attacks"]["programs"]) >= 60

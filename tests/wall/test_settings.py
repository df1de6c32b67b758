"""The same suite in other settings: an ordinary user, a default container, user namespaces."""

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
LOOK = Path(__file__).parent / "look_at_guest.py"
DOCTOR = "from selftaught.cli.main import main; main(['doctor', '--attack', '--json'])"

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(
        platform.machine() != "x86_64", reason="the settings are made with x86-64's numbers"
    ),
]


def said_in(setting: str, home: Path, *arguments: str) -> dict[str, Any]:
    """The JSON object that the interpreter prints in a setting."""
    home.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, str(ENTER), setting, str(home), sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.stderr.startswith("cannot enter the setting"):
        SETTINGS_SEEN[setting] = f"did not run: {done.stderr.strip()}"
        pytest.skip(done.stderr.strip())
    assert done.stdout, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def examined(setting: str, home: Path) -> dict[str, Any]:
    """What `doctor --attack --json` says in a setting."""
    health = said_in(setting, home, "-c", DOCTOR)
    attacks = health.get("attacks", {"programs": [], "places": [], "wall_s": 0})
    for program in attacks["programs"]:
        for place, verdict in program["verdicts"].items():
            assert verdict["word"] == "blocked", (setting, program["name"], place, verdict)
    count, places = len(attacks["programs"]), " and ".join(attacks["places"])
    took = f"{attacks['wall_s']:.0f} s"
    SETTINGS_SEEN[setting] = f"{count} hostile programs blocked in {places or 'no tier'} ({took})"
    return health


def needs_root(setting: str) -> None:
    if os.getuid() != 0:
        SETTINGS_SEEN[setting] = "did not run: only root can enter it"
        pytest.skip("only root can enter this setting")


@pytest.mark.slow
def test_an_ordinary_user_is_as_safe(tmp_path: Path) -> None:
    if os.getuid() != 0:
        SETTINGS_SEEN["user"] = "this very session"
        pytest.skip("this is an ordinary user already: the other tests are those of this setting")
    health = examined("user", tmp_path / "home")
    assert "uid 54321" in health["environment"]["user"]
    assert len(health["attacks"]["programs"]) >= 60
    assert "sealed" in health["attacks"]["places"]


@pytest.mark.slow
def test_a_container_without_namespaces_is_as_safe(tmp_path: Path) -> None:
    health = examined("container", tmp_path / "home")
    tiers = {tier["tier"]: tier for tier in health["tiers"]}
    assert not tiers["namespaced"]["usable"]
    assert tiers["namespaced"]["fix"]
    assert health["attacks"]["places"] == ["sealed"]
    assert len(health["attacks"]["programs"]) >= 60


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "ids"),
    [("namespace-one", "guests keep it"), ("namespace-many", "each guest another from")],
)
def test_root_of_a_user_namespace_is_as_safe(setting: str, ids: str, tmp_path: Path) -> None:
    if setting == "namespace-many":
        needs_root(setting)
    health = examined(setting, tmp_path / "home")
    assert ids in health["environment"]["user"]
    assert health["attacks"]["places"] == [
        tier["tier"] for tier in health["tiers"] if tier["usable"]
    ]
    assert "sealed" in health["attacks"]["places"]
    assert len(health["attacks"]["programs"]) >= 60


NO_CAPABILITIES = "0" * 16
OF_A_GUEST = {
    "CapInh": NO_CAPABILITIES,
    "CapPrm": NO_CAPABILITIES,
    "CapEff": NO_CAPABILITIES,
    "CapAmb": NO_CAPABILITIES,
    "NoNewPrivs": "1",
    "Seccomp": "2",
}


@pytest.mark.parametrize(
    ("setting", "keeps"),
    [
        ("namespace-one", "0"),
        ("user+namespace-one", "0"),
        ("namespace-one+container", "0"),
        ("namespace-many", None),
        ("namespace-many+container", None),
        ("container", None),
    ],
)
def test_a_guest_of_root_has_no_capabilities_and_an_id_of_its_own_where_there_is_one(
    setting: str, keeps: str | None, tmp_path: Path
) -> None:
    if setting != "namespace-one":
        needs_root(setting)
    tiers = said_in(setting, tmp_path / "home", str(LOOK))
    assert "sealed" in tiers
    SETTINGS_SEEN.setdefault(setting, f"a guest has no capabilities in {' and '.join(tiers)}")
    for tier, guest in tiers.items():
        assert {name: guest[name] for name in OF_A_GUEST} == OF_A_GUEST, tier
        (uid,) = set(guest["Uid"].split())
        (gid,) = set(guest["Gid"].split())
        assert uid == gid
        assert uid == keeps if keeps else int(uid) >= 32_768
        if keeps:
            assert guest["CapBnd"] == NO_CAPABILITIES


# A tier that takes an id that is not mapped.
TAKES_A_FOREIGN_ID = """
import json
from selftaught.executors.probe import probe
from selftaught.sandboxes.layout import find_layout
from selftaught.sandboxes.zygote_process import spawn

class Tier:
    tier = "sealed"

    def start(self, *, guests=1, modules=()):
        return spawn(find_layout(), list, lambda limits: limits.threads, modules, True, 1000)

found = probe(Tier())
print(json.dumps({"usable": found.usable, "detail": found.detail}))
"""


def test_a_tier_whose_guests_cannot_take_an_id_is_refused_with_what_is_missing(
    tmp_path: Path,
) -> None:
    said = said_in("namespace-one", tmp_path / "home", "-c", TAKES_A_FOREIGN_ID)
    assert not said["usable"]
    assert "becoming user 1000: Operation not permitted" in said["detail"]

"""What `doctor` finds: the tiers of the sandbox, and the machine."""

from __future__ import annotations

import getpass
import os
import platform
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from selftaught import __version__
from selftaught.app.parts import memory_here, probe_all
from selftaught.pages.blocks import Block, Facts, Paragraph, Table
from selftaught.sandboxes.ids import take_block
from selftaught.studies.registry import unusable

_FIXES = {
    "namespaced": (
        "install bubblewrap (apt install bubblewrap, dnf install bubblewrap); on Ubuntu 24.04 also "
        "allow it user namespaces with an AppArmor profile; in a container it often cannot run"
    ),
    "sealed": "allow seccomp filters (in a container: no profile that forbids seccomp)",
}
_ELSEWHERE = "run selftaught on Linux: in a virtual machine or a container"
_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")


def examine() -> dict[str, Any]:
    """The object of `doctor --json`; blocking, about a second."""
    probes = probe_all()
    working = [probe.tier for probe in probes if probe.usable]
    return {
        "usable": bool(working),
        "tier": working[0] if working else None,
        "tiers": [
            {
                "tier": probe.tier,
                "usable": probe.usable,
                "detail": probe.detail,
                "fix": None if probe.usable else _fix(probe.tier),
            }
            for probe in probes
        ],
        "memory": memory_here(),
        "environment": _environment(),
        "unusable_studies": unusable(),
    }


def health_blocks(health: dict[str, Any]) -> Iterator[Block]:
    rows = []
    for tier in health["tiers"]:
        rows.append((tier["tier"], "works" if tier["usable"] else "fails", tier["detail"]))
        rows += [("", "to fix", tier["fix"])] if tier["fix"] else []
    yield Table("Sandbox", ("", "", ""), tuple(rows), _verdict(health["tier"]))
    yield Facts((), "Memory of generated programs")
    yield from map(Paragraph, _memory(health["memory"]))
    facts = [(name.replace("_", " "), str(said)) for name, said in health["environment"].items()]
    yield Facts(tuple(facts), "Environment")
    if health["unusable_studies"]:
        yield Facts((), "Studies that are left out")
        yield from map(Paragraph, health["unusable_studies"].values())


def _verdict(tier: str | None) -> str:
    if tier is None:
        return (
            "No sandbox works on this machine. Generated programs are untrusted, and there is no "
            "unsandboxed mode: nothing will be run."
        )
    return f"Runs will use the tier {tier}."


def _memory(memory: dict[str, Any]) -> list[str]:
    together, machine, each = (
        f"{memory[name] >> 20:,} MB" for name in ("guests_bytes", "machine_bytes", "guest_bytes")
    )
    bound = f"At most {together} for all of a run together, of the {machine} that there are here."
    if memory["at_once"] is None:
        return [bound, f"A run with the usual options is refused: {memory['problem']}."]
    count = memory["at_once"]
    return [
        bound,
        f"With {each} each (--memory-mb), at once: {count['candidates']} candidates, "
        f"{count['inner']} improvers, {count['outer']} improvers of improvers and "
        f"{count['tools']} of our own that read programs. What goes beyond waits.",
    ]


def _fix(tier: str) -> str:
    return _FIXES.get(tier, "") if platform.system() == "Linux" else _ELSEWHERE


def _environment() -> dict[str, Any]:
    return {
        "selftaught": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "numpy": metadata.version("numpy"),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": os.cpu_count(),
        "user": _user(),
        "bubblewrap": shutil.which("bwrap") or "not installed",
        "apparmor_restricts_namespaces": _apparmor(),
    }


def _user() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "no name"
    first = take_block()
    guests = "guests keep it" if first is None else f"each guest another from {first} on"
    return f"{name} (uid {os.getuid()}, {guests})"


def _apparmor() -> str:
    try:
        return "yes" if _APPARMOR.read_text(encoding="ascii").strip() == "1" else "no"
    except OSError:
        return "no"

"""Prints what the kernel says of a locked-down guest in each tier that works here, as JSON."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sandbox_support import HONEST, descendants
from selftaught.core.ports import Job, Sandbox
from selftaught.core.program import Program
from selftaught.executors.probe import probe
from selftaught.executors.session import GuestSession
from selftaught.sandboxes.layout import find_layout
from selftaught.sandboxes.namespaced import NamespacedSandbox
from selftaught.sandboxes.sealed import SealedSandbox


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def look(sandbox: Sandbox) -> dict[str, str]:
    zygote = sandbox.start(guests=2)  # one that starts ahead might not be locked down yet
    try:
        zygote.ready()
        session = GuestSession(zygote, Job(Program(HONEST)))
        assert session.call((21,), cpu_s=1.0, seed=0) == 42
        found = {pid: status(pid) for pid in descendants(os.getpid())}
        parents = {int(facts["PPid"]) for facts in found.values()}
        (guest,) = (facts for pid, facts in found.items() if pid not in parents)
        session.close()
        return guest
    finally:
        zygote.close()


if __name__ == "__main__":
    layout = find_layout()
    tiers = (NamespacedSandbox(layout), SealedSandbox(layout))
    sys.stdout.write(json.dumps({tier.tier: look(tier) for tier in tiers if probe(tier).usable}))

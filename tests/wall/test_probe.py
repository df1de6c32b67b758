"""Which tier is taken: the first that works when it is tried, and none without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sandbox_support import HONEST, Box, open_descriptors
from selftaught.core.errors import ConfigError, InfrastructureError, SandboxUnavailable
from selftaught.core.ports import Sandbox, Zygote
from selftaught.executors.probe import choose, probe
from selftaught.sandboxes.layout import find_layout
from selftaught.sandboxes.sealed import SealedSandbox


@dataclass
class BrokenSandbox:
    """A tier that cannot be had on this machine."""

    tier: str
    says: str

    def start(self, *, guests: int = 1, modules: Sequence[str] = ()) -> Zygote:
        raise InfrastructureError(self.says)


def test_a_tier_that_works_says_what_it_is_made_of(sandbox: Sandbox) -> None:
    found = probe(sandbox)
    assert (found.tier, found.usable) == (sandbox.tier, True)
    assert "seccomp" in found.detail


def test_a_tier_that_does_not_start_is_passed_over(any_sandbox: Sandbox) -> None:
    chosen, zygote = choose([BrokenSandbox("first", "no such thing"), any_sandbox])
    assert chosen is any_sandbox
    box = Box(chosen.tier, chosen, zygote)
    try:
        assert box.run(HONEST, 21) == 42  # the zygote that was tried goes on to serve
    finally:
        zygote.close()


def test_without_any_tier_the_message_holds_the_exact_errors_and_what_to_do() -> None:
    with pytest.raises(SandboxUnavailable) as refused:
        choose([BrokenSandbox("one", "setting up uid map"), BrokenSandbox("two", "seccomp: no")])
    said = str(refused.value)
    for part in (
        "one: setting up uid map",
        "two: seccomp: no",
        "untrusted",
        "no unsandboxed mode",
        "install bubblewrap",
        "AppArmor",
        "allow seccomp",
        "virtual machine",
    ):
        assert part in said


def test_an_interpreter_that_does_not_start_is_named_and_leaves_nothing_open(
    planted_key: str,
) -> None:
    layout = find_layout()
    before = open_descriptors()
    missing = probe(SealedSandbox(replace(layout, interpreter=Path("/no/such/python"))))
    assert (missing.usable, "/no/such/python" in missing.detail) == (False, True)
    with pytest.raises(ConfigError, match="no_such_module"):
        probe(SealedSandbox(replace(layout, modules=("no_such_module",))))
    assert open_descriptors() == before

"""A zygote of each tier of the sandbox, for the tests of the wall and of the engine.

A tier that does not work on this machine is skipped, with its probe's own words as the reason.
"""

from __future__ import annotations

import importlib.util
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from sandbox_support import HONEST, PLANTED_KEY, PLANTED_NAME, SETTINGS_SEEN, Box
from selftaught.app.instance_key import VARIABLE
from selftaught.core.ports import Sandbox, Zygote
from selftaught.core.seeds import PUBLIC_KEY
from selftaught.executors.probe import probe
from selftaught.models import gguf
from selftaught.sandboxes.layout import find_layout
from selftaught.sandboxes.namespaced import NamespacedSandbox
from selftaught.sandboxes.sealed import SealedSandbox

# A deadline by the wall clock would fail on a busy machine.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")


@pytest.fixture(autouse=True)
def _own_path() -> Iterator[None]:
    """The folder of a task's file that is loaded is one to import from, for this test alone."""
    before = [*sys.path]
    yield
    sys.path[:] = before


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> Iterator[None]:
    """A shell without job control starts background work with SIGINT ignored, also for children."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def instances_of_everybody() -> Iterator[None]:
    """Instances that follow from seeds alone, so that golden files hold for everybody."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, PUBLIC_KEY)
        yield


@pytest.fixture(scope="session")
def planted_key() -> Iterator[str]:
    """A key in the host's environment, there before any zygote starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PLANTED_NAME, PLANTED_KEY)
        yield PLANTED_KEY


@pytest.fixture(scope="session", params=["namespaced", "sealed"])
def sandbox(request: pytest.FixtureRequest, planted_key: str) -> Sandbox:
    """Each tier of the sandbox that works here."""
    layout = find_layout()
    made: Sandbox = (
        NamespacedSandbox(layout) if request.param == "namespaced" else SealedSandbox(layout)
    )
    found = probe(made)
    if not found.usable:
        pytest.skip(f"tier {made.tier} does not work on this machine: {found.detail}")
    return made


@pytest.fixture(scope="session")
def any_sandbox(planted_key: str) -> Sandbox:
    """The first tier that works here, for tests in which the tier makes no difference."""
    layout = find_layout()
    said: list[str] = []
    for made in (NamespacedSandbox(layout), SealedSandbox(layout)):
        found = probe(made)
        if found.usable:
            return made
        said.append(f"{made.tier}: {found.detail}")
    pytest.skip(f"no tier of the sandbox works on this machine: {'; '.join(said)}")


@pytest.fixture(scope="session")
def shared_zygote(sandbox: Sandbox) -> Iterator[Zygote]:
    zygote = sandbox.start(guests=4)
    try:
        zygote.ready()
        yield zygote
    finally:
        zygote.close()


@pytest.fixture
def box(sandbox: Sandbox, shared_zygote: Zygote) -> Iterator[Box]:
    """A slot; whatever a test did in it, an honest program is right in it afterwards."""
    box = Box(sandbox.tier, sandbox, shared_zygote)
    yield box
    for session in box.opened:
        session.close()
    assert box.run(HONEST, 21) == 42


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in which settings the suite of hostile programs ran."""
    for setting, said in SETTINGS_SEEN.items():
        terminalreporter.write_line(f"setting {setting}: {said}")


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The weights of a real language model, which `make test-all` gets; else a test is skipped."""
    file = gguf.cached("smollm2")
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("llama.cpp is not installed: pip install 'selftaught[gguf]'")
    if not file.exists():
        pytest.skip("no model is here: selftaught models --get smollm2")
    return file

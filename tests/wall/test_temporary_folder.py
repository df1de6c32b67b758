"""A private temporary folder, where one is asked for: its own, bounded, gone with the guest."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox_support import HONEST, Box
from selftaught.attacks.catalogue import load_attacks
from selftaught.attacks.contained import arena
from selftaught.attacks.stage import planted
from selftaught.core.errors import InfrastructureError
from selftaught.core.outcome import Failed
from selftaught.core.ports import Sandbox
from selftaught.executors.probe import probe
from selftaught.sandboxes.layout import find_layout
from selftaught.sandboxes.namespaced import NamespacedSandbox
from selftaught.sandboxes.sealed import SealedSandbox

SIZE = 4 << 20


@pytest.fixture(scope="module")
def with_folder() -> Sandbox:
    plain, made = NamespacedSandbox(find_layout()), NamespacedSandbox(find_layout((), SIZE))
    without, found = probe(plain), probe(made)
    if not without.usable or "needs Landlock" in found.detail:
        pytest.skip(f"no temporary folders on this machine: {without.detail}; {found.detail}")
    assert found.usable, found.detail
    return made


@pytest.fixture(scope="module")
def folder_box(with_folder: Sandbox) -> Iterator[Box]:
    zygote = with_folder.start()
    zygote.ready()
    yield Box(with_folder.tier, with_folder, zygote)
    zygote.close()


def test_a_guest_can_use_files_as_anywhere_else(folder_box: Box) -> None:
    source = """
import os, pathlib, shutil, tempfile
def algorithm():
    with open("notes.txt", "w") as file:
        file.write("hello")
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "inner").write_text("x")
        shutil.rmtree(pathlib.Path(folder))
        os.mkdir(folder)
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"y")
    os.rename("notes.txt", "renamed.txt")
    return open("renamed.txt").read(), sorted(os.listdir("."))
"""
    assert folder_box.run(source) == ("hello", ["renamed.txt"])


def test_it_is_empty_for_the_next_guest(folder_box: Box) -> None:
    leaves = "def algorithm():\n    return open('left', 'w').write('x')\n"
    looks = "import os\ndef algorithm():\n    return os.listdir('.')\n"
    for _ in range(3):
        assert folder_box.run(leaves) == 1
        assert folder_box.run(looks) == []


def test_a_sibling_cannot_enter_it(folder_box: Box) -> None:
    host = folder_box.open(
        "import os\ndef algorithm():\n"
        "    open('secret', 'w').write('mine')\n    return os.getcwd()\n"
    )
    folder = host.call((), cpu_s=1.0, seed=0)
    outcomes = folder_box.run(
        """
import os
def algorithm(folder):
    found = []
    for deed in (
        lambda: os.listdir(folder),
        lambda: open(folder + "/secret").read(),
        lambda: open(folder + "/mine", "w"),
        lambda: os.rename(folder + "/secret", "stolen"),
        lambda: os.listdir("/scratch"),
        lambda: os.unlink(folder + "/secret"),
    ):
        try:
            found.append(repr(deed()))
        except OSError:
            pass
    return found
""",
        folder,
    )
    host.close()
    assert outcomes == []


def test_it_is_bounded(folder_box: Box) -> None:
    source = """
def algorithm():
    written = 0
    try:
        for number in range(100):
            with open(f"{number}", "wb") as file:
                written += file.write(b"x" * (1 << 20))
    except OSError:
        pass
    return written
"""
    written = [folder_box.run(source) for _ in range(8)]
    assert 0 < max(written) <= SIZE
    assert min(written) == max(written), "what the last guest filled is free again"


def test_nothing_else_can_be_read_run_or_changed(folder_box: Box) -> None:
    source = """
import os, sys
def algorithm():
    through = []
    def attempt(name, deed):
        try:
            deed()
            through.append(name)
        except OSError:
            pass
    open("script", "w").write("#!/bin/sh")
    attempt("read", lambda: open("/usr/bin/env", "rb").read(1))
    attempt("list", lambda: os.listdir("/usr"))
    attempt("library", lambda: open(sys.modules["random"].__file__).read())
    attempt("up", lambda: os.listdir(".."))
    attempt("chmod", lambda: os.chmod("script", 0o755))
    attempt("utime", lambda: os.utime("script", (1, 1)))
    attempt("symlink", lambda: os.symlink("/etc", "link"))
    attempt("link", lambda: os.link("script", "link"))
    attempt("fifo", lambda: os.mkfifo("fifo"))
    attempt("exec", lambda: os.execv("./script", ["script"]))
    attempt("attribute", lambda: os.setxattr("script", "user.x", b"1"))
    attempt("truncate", lambda: os.truncate("/usr/bin/env", 0))
    attempt("make", lambda: os.mkdir("/usr/mine"))
    return through
"""
    assert folder_box.run(source) == []


def test_what_is_hard_to_remove_is_removed(folder_box: Box) -> None:
    source = """
import os
def algorithm():
    path = "d"
    for _ in range(400):
        os.mkdir(path)
        path += "/d"
    os.mkdir("closed", 0)
    os.mkdir("moved-0")
    for number in range(500):
        open(f"moved-0/{number}", "w").close()
    return len(os.listdir("."))
"""
    for _ in range(3):
        assert folder_box.run(source, cpu_s=3.0) == 3
        assert folder_box.run("import os\ndef algorithm():\n    return os.listdir('.')\n") == []


def test_the_sealed_tier_has_none_and_says_so() -> None:
    with pytest.raises(InfrastructureError, match="needs the tier namespaced"):
        SealedSandbox(find_layout((), SIZE)).start()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_hostile_program_gets_through_with_one(with_folder: Sandbox) -> None:
    # These look at what a guest with a folder of its own may do: read its own links and folder.
    own_business = {"stat_files", "list_folders", "raw_system_calls"}

    async def attack_all() -> dict[str, Any]:
        async with arena(with_folder) as place:
            attacks = [a for a in load_attacks() if a.runs_here and a.name not in own_business]
            return {attack.name: await place.attack(attack) for attack in attacks}

    with planted(), contextlib.closing(asyncio.new_event_loop()) as loop:
        verdicts = loop.run_until_complete(attack_all())
    assert {name: v for name, v in verdicts.items() if not v.blocked} == {}


def test_a_program_that_knows_nothing_of_it_runs_as_ever(folder_box: Box) -> None:
    assert not isinstance(folder_box.run(HONEST, 4), Failed)

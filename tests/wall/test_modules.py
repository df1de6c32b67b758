"""Modules that guests can import besides the usual ones: named, checked, the same in both tiers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sandbox_support import Box
from selftaught.core.errors import ConfigError
from selftaught.core.outcome import Failed
from selftaught.core.ports import Sandbox
from selftaught.sandboxes.layout import find_layout
from selftaught.sandboxes.namespaced import NamespacedSandbox
from selftaught.sandboxes.sealed import SealedSandbox

Opened = Callable[[Sequence[str]], Box]


@pytest.fixture
def opened(sandbox: Sandbox) -> Any:
    """Opens a slot of this tier with further modules."""
    kind = {"namespaced": NamespacedSandbox, "sealed": SealedSandbox}[sandbox.tier]
    with ExitStack() as stack:

        def open_one(modules: Sequence[str]) -> Box:
            made = kind(find_layout(modules))
            zygote = made.start()
            stack.callback(zygote.close)
            zygote.ready()
            return Box(made.tier, made, zygote)

        yield open_one


def test_a_package_comes_with_the_parts_that_it_lists(opened: Opened) -> None:
    box = opened(["scipy"])
    source = (
        "import scipy, scipy.optimize, scipy.special\nfrom scipy.spatial import distance\n"
        "def algorithm():\n"
        "    return float(scipy.optimize.brentq(lambda x: x - 2, 0, 5) + scipy.special.gamma(4))\n"
    )
    assert box.run(source, cpu_s=5.0) == pytest.approx(8.0)
    refused = box.run("import networkx\ndef algorithm():\n    return 1\n")
    assert isinstance(refused, Failed)
    assert "no module 'networkx' in the sandbox" in refused.detail


def test_without_it_the_import_error_is_the_same_in_both_tiers(box: Box) -> None:
    refused = box.run("import scipy\ndef algorithm():\n    return 1\n")
    assert isinstance(refused, Failed)
    assert refused.detail.startswith("ImportError: no module 'scipy' in the sandbox")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with packages of which one needs another."""
    tmp_path.chmod(0o755)
    for parent in list(tmp_path.parents)[:-2]:
        if parent.owner() == tmp_path.owner():
            parent.chmod(0o755)
    for name, text in (
        ("needy", "from needed import NUMBER"),
        ("needed", "NUMBER = 17"),
        ("perhaps", "try:\n    import needed\nexcept ImportError:\n    needed = None"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_what_a_module_needs_of_others_must_be_named_too(opened: Opened, packages: Path) -> None:
    with pytest.raises(ConfigError, match=r"no module 'needed' was named.*named too"):
        opened(["needy"])
    box = opened(["needy", "needed"])
    assert box.run("import needy\ndef algorithm():\n    return needy.NUMBER\n") == 17


def test_what_lies_beside_a_named_package_is_not_there(opened: Opened, packages: Path) -> None:
    source = "import perhaps\ndef algorithm():\n    return perhaps.needed is None\n"
    assert opened(["perhaps"]).run(source) is True


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no_such_package", "not installed"),
        ("selftaught.core", "no module that a guest can have"),
        ("selftaught_guest", "no module that a guest can have"),
        ("../etc", "no module that a guest can have"),
        ("", "no module that a guest can have"),
    ],
)
def test_a_module_that_cannot_be_had_is_refused_by_name(name: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        find_layout([name])

"""Modules that guests can import besides the usual ones: named, checked, the same in both tiers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
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


def test_a_package_brings_what_it_needs(opened: Opened, packages: Path) -> None:
    box = opened(["needy"])
    assert box.run("import needy\ndef algorithm():\n    return needy.NUMBER\n") == 17
    (packages / "wraps.py").write_text(
        "try:\n    import needed\nexcept ImportError as error:\n    raise ImportError('in vain')\n"
    )
    assert opened(["wraps"]).run("import wraps\ndef algorithm():\n    return 1\n") == 1


def test_what_it_needs_and_is_not_there_is_named(packages: Path) -> None:
    (packages / "lacks.py").write_text("import needy, no_such_package\n")
    with pytest.raises(ConfigError, match="lacks: No module named 'no_such_package'"):
        find_layout(["lacks"])


@pytest.mark.parametrize(
    ("holds", "says"),
    [
        (
            "import threading, time\n"
            "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
            "holds keeps threads of its own running, which no guest has",
        ),
        (
            "import subprocess, sys\n"
            "own = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)",
            "holds keeps processes of its own running, which no guest has",
        ),
        ("table = open(__file__)", "holds keeps the file .*holds.py open, which no guest has"),
        ("raise OSError('no such device')", "no such device"),
    ],
    ids=["threads", "processes", "files", "fails"],
)
def test_what_a_package_holds_and_no_guest_has_is_said_by_its_name(
    holds: str, says: str, packages: Path
) -> None:
    (packages / "holds.py").write_text(f"{holds}\n")
    with pytest.raises(ConfigError, match=says):
        find_layout(["needy", "holds"])


def test_a_package_that_asks_for_files_later_is_named_in_the_failure(
    opened: Opened, packages: Path
) -> None:
    (packages / "late.py").write_text("def load():\n    return open('/etc/passwd').read()\n")
    found = opened(["late"]).run("import late\ndef algorithm():\n    return late.load()\n")
    assert isinstance(found, Failed)
    assert found.detail.startswith("PermissionError: ")
    assert "'/etc/passwd' (in late)\n  line 3, in algorithm" in found.detail


def test_shared_libraries_beside_a_package_come_along(opened: Opened, packages: Path) -> None:
    """As `scikit_learn.libs` beside `sklearn`: the folder has the name of the distribution."""
    libraries = packages / "Needs_Library.libs"
    libraries.mkdir()
    (some,) = list(Path(np.__file__).parents[1].glob("numpy.libs/libquadmath*"))[:1]
    shutil.copy(some, libraries / "libown.so.1")
    (packages / "linked.py").write_text(
        "import ctypes\nfrom pathlib import Path\n\n"
        "own = ctypes.CDLL(str(Path(__file__).parent / 'Needs_Library.libs' / 'libown.so.1'))\n"
        "HAS = hasattr(own, 'sqrtq')\n"
    )
    box = opened(["linked"])
    assert box.run("import linked\ndef algorithm():\n    return linked.HAS\n") is True


def test_of_an_installed_package_all_public_parts_are_there(
    opened: Opened, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = packages / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    for folder in (site / "bought", packages / "mine"):
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        (folder / "late.py").write_text("NUMBER = 17")
        (folder / "fails.py").write_text("raise ValueError('has no other package')")
    source = "def algorithm():\n    from {name}.late import NUMBER\n    return NUMBER\n"
    box = opened(["bought", "mine"])
    assert box.run(source.format(name="bought")) == 17
    assert isinstance(box.run(source.format(name="mine")), Failed)


SKLEARN = """\
import numpy as np
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

def algorithm():
    points = np.random.default_rng(0).random((60, 4))
    labels = (points[:, 0] > 0.5).astype(int)
    KMeans(2, n_init=1).fit(points)
    models = (make_pipeline(StandardScaler(), LogisticRegression()), SVC(),
              RandomForestClassifier(5))
    return min(float(model.fit(points, labels).score(points, labels)) for model in models)
"""
PANDAS = """\
import pandas as pd

def algorithm():
    table = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "x"],
                          "t": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-02-01"])})
    table.set_index("t").resample("D")["a"].sum()
    str(table), table.describe(), table.to_json(), table.query("a > 1")
    return float(table.groupby("b")["a"].mean()["x"])
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "source", "least"), [("sklearn", SKLEARN, 0.9), ("pandas", PANDAS, 2)]
)
def test_large_packages_work_by_their_one_name(
    name: str, source: str, least: float, opened: Opened
) -> None:
    pytest.importorskip(name, reason=f"{name} is not installed: `make test-all` installs it")
    value = opened([name]).run(source, cpu_s=20.0)
    assert isinstance(value, float), value
    assert value >= least


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

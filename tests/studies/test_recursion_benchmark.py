"""The benchmark of recursion: seeds that nobody chooses, and a figure of the runs."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from selftaught.analysis.claims import Claim, Differences, Taken, Worst

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def recursion() -> ModuleType:
    spec = importlib.util.spec_from_file_location("recursion", ROOT / "benchmarks/recursion.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@t")
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    git(tmp_path, "init", "-q")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("x = 1\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_seeds_follow_from_the_hash_of_the_tree_alone(recursion: ModuleType) -> None:
    tree = "a19c0d05495af7b2920413bf0a8c569845c84095"
    assert recursion.seeds_of(tree, 3) == [1969532052, 169536160, 1019298349]
    assert recursion.seeds_of(tree, 20)[:3] == recursion.seeds_of(tree, 3)
    assert recursion.seeds_of(tree[::-1], 3) != recursion.seeds_of(tree, 3)


def test_the_tree_is_that_of_src_whatever_else_changes(
    recursion: ModuleType, repository: Path
) -> None:
    tree = recursion.frozen_tree(repository, "HEAD")
    (repository / "README").write_text("other\n")
    assert recursion.frozen_tree(repository, "HEAD") == tree
    (repository / "src" / "a.py").write_text("x = 2\n")
    git(repository, "commit", "-q", "-a", "-m", "second")
    assert recursion.frozen_tree(repository, "HEAD") != tree
    assert recursion.frozen_tree(repository, "HEAD~1") == tree


@pytest.mark.parametrize("name", ["a.py", "new.py"])
def test_changes_of_src_that_are_not_committed_are_refused(
    recursion: ModuleType, repository: Path, name: str
) -> None:
    (repository / "src" / name).write_text("x = 3\n")
    with pytest.raises(SystemExit, match="uncommitted changes") as refused:
        recursion.frozen_tree(repository, "HEAD")
    assert "\n" not in str(refused.value)


def test_what_is_no_repository_or_no_commit_is_refused_in_one_line(
    recursion: ModuleType, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for folder, commit in (
        (tmp_path_factory.mktemp("plain"), "HEAD"),
        (repository, "nothing"),
    ):
        with pytest.raises(SystemExit, match="give --seeds") as refused:
            recursion.frozen_tree(folder, commit)
        assert "\n" not in str(refused.value)


def test_the_figure_has_a_line_a_run_and_the_interval_over_runs(recursion: ModuleType) -> None:
    def run(seed: int) -> Differences:
        values = {"a": [0.01 * seed, 0.02 * seed], "b": [-0.01, 0.03 * seed]}
        return Differences(str(seed), seed, values, Taken(1, 1), Taken(1, 1))

    runs = [{"vs_seed": run(seed), "vs_seed_restarted": run(-seed)} for seed in range(5)]
    claim = Claim(
        0.02, (0.01, 0.03), 5, (0.01, 0.03), Worst("0", 0, 0.0), 0.8, None, *[Taken(1, 1)] * 2
    )
    drawn = recursion.figure(runs, {"vs_seed": claim, "vs_seed_restarted": claim})
    root = ElementTree.fromstring(drawn)
    assert len(root.findall("{*}circle")) == 10
    assert "at the same limits: +0.020 [+0.010, +0.030]" in "".join(root.itertext())
    assert len(drawn) < 3000

"""Modules and packages that guests have: loaded by a zygote before any program, and no others."""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import pkgutil
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["preload", "what_packages_need"]


class _OnlyPreloaded(importlib.abc.MetaPathFinder):
    """The end of the import system: what is not loaded by now does not exist."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        raise ImportError(f"no module {name!r} in the sandbox", name=name)


class _OnlyNamed(importlib.abc.MetaPathFinder):
    """While modules are loaded: of what else lies in the same folders, nothing."""

    def __init__(self, packages: Sequence[str]) -> None:
        named = {name.partition(".")[0] for name in packages}
        self.known = sys.stdlib_module_names | named | {"numpy", "selftaught_guest"}
        self.refused: list[str] = []

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        top = name.partition(".")[0]
        if top not in self.known and not top.startswith("_sysconfigdata_"):
            self.refused.append(top)
            raise ModuleNotFoundError(f"no module {name!r} was named", name=name)
        return None


def preload(modules: Sequence[str], packages: Sequence[str], needed: Sequence[str]) -> None:
    sys.meta_path.insert(0, _OnlyNamed([*packages, *needed]))
    for name in modules:
        importlib.import_module(name)
    for name in packages:
        _load_whole(name)
    from selftaught_guest import helpers

    sys.modules["helpers"] = helpers
    _warm_up()
    sys.path[:] = []
    sys.path_hooks[:] = []
    sys.path_importer_cache.clear()
    sys.meta_path[:] = [_OnlyPreloaded()]


def _load_whole(name: str) -> None:
    """Import a package and its submodules, which functions of its own may import late.

    Of any package those that it lists, of an installed one all that can be had, but for its tests:
    the user's own may be programs, which would run.
    """
    package = importlib.import_module(name)
    if not hasattr(package, "__path__"):
        return
    for listed in getattr(package, "__all__", ()):
        if importlib.util.find_spec(f"{name}.{listed}") is not None:
            importlib.import_module(f"{name}.{listed}")
    if {"site-packages", "dist-packages"} & {*Path(str(package.__file__)).parts}:
        _load_parts(package)


def _load_parts(package: ModuleType) -> None:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if not found.name.rpartition(".")[2].startswith(("__", "test", "conftest", "setup")):
            with contextlib.suppress(Exception, SystemExit):  # such as for want of another package
                module = importlib.import_module(found.name)
                if found.ispkg:
                    _load_parts(module)


def what_packages_need(packages: Sequence[str]) -> dict[str, Any]:
    """Other packages without which these cannot be loaded, found by loading them.

    What they would only use if it is there is not among these, so that all machines have the same.
    To be called in a process that is thrown away: what fails is tried again with the package that
    it asked for, or, where the error names none, that was refused last.

    Returns: `{"locations": of the packages and what they need, by name, "files": loaded}`,
        or `{"import_error": ...}`.
    """
    named = _OnlyNamed(packages)
    sys.meta_path.insert(0, named)
    before, files = named.known, _open_files()
    for name in packages:
        while True:
            try:
                _load_whole(name)
                if held := _held(files):
                    return {"import_error": f"{name} keeps {held}, which no guest has"}
                break
            except ImportError as error:
                asked = [(error.name or "").partition(".")[0], *reversed(named.refused)]
                wanted = [top for top in asked if top in named.refused and top not in named.known]
                if not wanted:
                    return {"import_error": f"{name}: {error}"}
                named.known |= {wanted[0]}
    tops = {*(name.partition(".")[0] for name in packages), *(named.known - before)}
    found = {top: sys.modules[top] for top in sorted(tops & sys.modules.keys())}
    with Path("/proc/self/maps").open() as maps:
        files = {line.split(maxsplit=5)[5].rstrip() for line in maps if ".so" in line}
    return {
        "locations": {
            top: list(getattr(module, "__path__", [module.__file__]))
            for top, module in found.items()
            if top not in sys.stdlib_module_names
        },
        "files": sorted(files),
    }


def _held(files: set[str]) -> str:
    """What of a machine there is now, and cannot be in a guest; empty if there is nothing."""
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        return "threads of its own running"
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
        return "processes of its own running"
    return next((f"the file {file} open" for file in sorted(_open_files() - files)), "")


def _open_files() -> set[str]:
    links = (f"/proc/self/fd/{one}" for one in os.listdir("/proc/self/fd"))  # noqa: PTH208
    found = {str(Path(link).readlink()) for link in links if Path(link).is_symlink()}
    return {one for one in found if one.startswith("/") and not one.startswith("/dev/")}


def _warm_up() -> None:
    """Touch what nearly every program uses, so that children share the pages."""
    import numpy as np

    rng = np.random.default_rng(0)
    matrix = rng.random((8, 8))
    np.linalg.solve(matrix + np.eye(8), matrix[0])
    np.sort(matrix @ matrix, axis=0).argmax()
    compile("def f(x):\n    return [y for y in x]\n", "<warm>", "exec")
    try:
        raise ImportError
    except ImportError:
        import traceback

        traceback.format_exc()
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    # scikit-learn looks up its thread pools once, by means that guests do not have.
    pools = getattr(sys.modules.get("sklearn.utils.parallel"), "_get_threadpool_controller", None)
    if pools is not None:
        pools()

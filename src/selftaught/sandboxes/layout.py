"""What a zygote is started with, the same in each tier: interpreter, modules, environment."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import selftaught_guest
from selftaught.core.errors import ConfigError
from selftaught.core.guest_modules import FOR_TEMPORARY_FILES, PRELOADED

# Where temporary folders are, in a file system of their own.
SCRATCH = "/scratch"
_NEVER = ("selftaught", "selftaught_guest")

# The whole environment of a zygote: nothing of the host's.
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "HOME": "/",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUTF8": "1",
    # RLIMIT_AS and a thread pool need one arena; BLAS must not start threads of its own.
    "MALLOC_ARENA_MAX": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the guest's interpreter and modules are.

    Attributes:
        interpreter: the base interpreter, links resolved.
        package_folder: the folder that holds `selftaught_guest`.
        module_paths: folders to find preloaded modules in, besides the standard library.
        read_only: files and folders that the interpreter needs.
        modules: names to preload.
        packages: names of further packages to preload, with the submodules that they list.
        tmpdir_bytes: size of a guest's private temporary folder; 0 for none.
    """

    interpreter: Path
    package_folder: Path
    module_paths: tuple[Path, ...]
    read_only: tuple[Path, ...]
    modules: tuple[str, ...]
    packages: tuple[str, ...] = ()
    tmpdir_bytes: int = 0

    def command(self, control: int, first_uid: int | None, modules: Sequence[str]) -> list[str]:
        """The zygote's command line; `control` is the descriptor of its control socket."""
        settings = {
            "package_folder": str(self.package_folder),
            "paths": [str(path) for path in self.module_paths],
            "modules": [*self.modules, *modules],
            "packages": self.packages,
            "tmpdir_bytes": self.tmpdir_bytes,
            "scratch": SCRATCH,
            "control": control,
            "first_uid": first_uid,
        }
        script = self.package_folder / "selftaught_guest" / "zygote.py"
        return [str(self.interpreter), "-s", "-S", "-P", str(script), json.dumps(settings)]


def find_layout(packages: Sequence[str] = (), tmpdir_bytes: int = 0) -> Layout:
    """The layout of this installation.

    Raises: ConfigError if a package is not installed, or may not be had in a guest.
    """
    guest_package = Path(selftaught_guest.__file__ or "").resolve().parent
    module_paths: list[Path] = []
    read_only: list[Path] = [Path(sys.base_prefix).resolve(), guest_package]
    for name in ("numpy", *packages):
        for location in _locations(name):
            top = name.partition(".")[0]
            libraries = location.parent / f"{top}.libs"
            module_paths.append(location.parent)
            read_only += [location, *([libraries] if libraries.is_dir() else [])]
    return Layout(
        interpreter=Path(os.path.realpath(sys.executable)),
        package_folder=guest_package.parent,
        module_paths=tuple(dict.fromkeys(module_paths)),
        read_only=tuple(dict.fromkeys(read_only)),
        modules=(*PRELOADED, *(FOR_TEMPORARY_FILES if tmpdir_bytes else ())),
        packages=tuple(dict.fromkeys(packages)),
        tmpdir_bytes=tmpdir_bytes,
    )


def _locations(name: str) -> list[Path]:
    """Where a module's top-level package is; nothing for the standard library's."""
    top = name.partition(".")[0]
    if not all(part.isidentifier() for part in name.split(".")) or top in _NEVER:
        raise ConfigError(f"{name!r} is no module that a guest can have")
    if top in sys.stdlib_module_names:
        return []
    spec = importlib.util.find_spec(top)
    if spec is None:
        raise ConfigError(f"module {name!r} cannot be preloaded: it is not installed here")
    found = spec.submodule_search_locations or [spec.origin or ""]
    return [Path(location).resolve() for location in found]

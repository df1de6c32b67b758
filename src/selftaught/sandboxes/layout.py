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
from selftaught.core.guest_modules import PRELOADED

_ENVIRONMENT = {
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
    """

    interpreter: Path
    package_folder: Path
    module_paths: tuple[Path, ...]
    read_only: tuple[Path, ...]
    modules: tuple[str, ...]

    def command(self, control: int, first_uid: int, modules: Sequence[str]) -> list[str]:
        """The zygote's command line.

        Args:
            control: descriptor of its control socket.
            first_uid: the first of the users that its guests become, where it is root.
            modules: what to preload besides.
        """
        settings = {
            "package_folder": str(self.package_folder),
            "paths": [str(path) for path in self.module_paths],
            "modules": [*self.modules, *modules],
            "control": control,
            "first_uid": first_uid,
        }
        script = self.package_folder / "selftaught_guest" / "zygote.py"
        return [str(self.interpreter), "-s", "-S", "-P", str(script), json.dumps(settings)]


def environment() -> dict[str, str]:
    """The whole environment of a zygote: nothing of the host's."""
    return dict(_ENVIRONMENT)


def find_layout(extra_modules: tuple[str, ...] = ()) -> Layout:
    """The layout of this installation.

    Raises: ConfigError if an extra module is not installed.
    """
    guest_package = Path(selftaught_guest.__file__ or "").resolve().parent
    module_paths: list[Path] = []
    read_only: list[Path] = [Path(sys.base_prefix).resolve(), guest_package]
    for name in ("numpy", *extra_modules):
        top = name.partition(".")[0]
        spec = importlib.util.find_spec(top)
        if spec is None:
            raise ConfigError(f"module {name!r} cannot be preloaded: it is not installed here")
        for location in spec.submodule_search_locations or [spec.origin or ""]:
            package = Path(location).resolve()
            module_paths.append(package.parent)
            libraries = package.parent / f"{top}.libs"
            read_only += [package, *([libraries] if libraries.is_dir() else [])]
    return Layout(
        interpreter=Path(os.path.realpath(sys.executable)),
        package_folder=guest_package.parent,
        module_paths=tuple(dict.fromkeys(module_paths)),
        read_only=tuple(dict.fromkeys(read_only)),
        modules=(*PRELOADED, *extra_modules),
    )

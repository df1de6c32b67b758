"""What a zygote is started with, the same in each tier: interpreter, modules, environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import selftaught_guest
from selftaught.core.errors import ConfigError
from selftaught.core.guest_modules import FOR_TEMPORARY_FILES, PRELOADED

# Where temporary folders are, in a file system of their own.
SCRATCH = "/scratch"
_SYSTEM = (Path("/usr"), Path("/lib"), Path("/lib64"))  # which guests have anyway
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
        module_paths: folders to find preloaded modules in, besides the standard library.
        read_only: files and folders that the interpreter needs.
        packages: names of further packages to preload, with the submodules that they list.
        needed: names of all packages that can be loaded, because these need them.
    """

    interpreter: Path
    package_folder: Path
    module_paths: tuple[Path, ...]
    read_only: tuple[Path, ...]
    modules: tuple[str, ...]
    packages: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    tmpdir_bytes: int = 0

    def command(self, control: int, first_uid: int | None, modules: Sequence[str]) -> list[str]:
        """The zygote's command line; `control` is the descriptor of its control socket."""
        settings = {
            "package_folder": str(self.package_folder),
            "paths": [str(path) for path in self.module_paths],
            "modules": [*self.modules, *modules],
            "packages": self.packages,
            "needed": self.needed,
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
    packages = tuple(dict.fromkeys(packages))
    for name in packages:
        _check_name(name)
    numpy = find_spec("numpy")
    found = _Needs({"numpy": list((numpy and numpy.submodule_search_locations) or ())}, [])
    if packages:
        needs = _what_packages_need(packages, guest_package)
        found = _Needs(found.locations | needs.locations, needs.files)
    locations = [Path(one).resolve() for each in found.locations.values() for one in each]
    read_only = [Path(sys.base_prefix).resolve(), guest_package]
    for location in locations:
        libraries = location.parent / f"{location.name}.libs"
        read_only += [location, *([libraries] if libraries.is_dir() else [])]
    for file in map(Path, found.files):  # shared libraries, such as those of a wheel, beside it
        if not any(file.is_relative_to(one) for one in (*read_only, *_SYSTEM)):
            read_only.append(file.parent if file.parent.suffix == ".libs" else file)
    return Layout(
        interpreter=Path(os.path.realpath(sys.executable)),
        package_folder=guest_package.parent,
        module_paths=tuple(dict.fromkeys(location.parent for location in locations)),
        read_only=tuple(dict.fromkeys(read_only)),
        modules=(*PRELOADED, *(FOR_TEMPORARY_FILES if tmpdir_bytes else ())),
        packages=packages,
        needed=tuple(found.locations),
        tmpdir_bytes=tmpdir_bytes,
    )


@dataclass(frozen=True, slots=True)
class _Needs:
    """Where packages are that guests can have, by name, and what libraries these load."""

    locations: dict[str, list[str]]
    files: list[str]


def _what_packages_need(packages: Sequence[str], guest_package: Path) -> _Needs:
    """By importing them in a process of its own. Raises: ConfigError if that fails."""
    settings = {
        "package_folder": str(guest_package.parent),
        "paths": [str(Path(path).resolve()) for path in sys.path if Path(path).is_dir()],
        "packages": packages,
        "control": None,
    }
    command = [sys.executable, "-P", str(guest_package / "zygote.py"), json.dumps(settings)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    told = done.stdout.strip().splitlines()  # the last line: packages may print
    said = json.loads(told[-1]) if told and done.returncode == 0 else {}
    if "locations" not in said:
        why = said.get("import_error") or " ".join(done.stderr.split()[-30:])
        raise ConfigError(f"sandbox.modules cannot be had: {why}")
    return _Needs(**said)


def _check_name(name: str) -> None:
    """Raises: ConfigError if it is no module that is here, or that a guest can have."""
    top = name.partition(".")[0]
    if not all(part.isidentifier() for part in name.split(".")) or top in _NEVER:
        raise ConfigError(f"{name!r} is no module that a guest can have")
    if top not in sys.stdlib_module_names and find_spec(top) is None:
        raise ConfigError(f"module {name!r} cannot be preloaded: it is not installed here")

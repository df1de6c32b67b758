"""Programs made ready to run: compiled, and of several files each to be imported by its name.

Files are imported from memory, and only these: a name that is there already is never looked for
here.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import linecache
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath

from selftaught_guest.files import FilesError, entry_path, module_of, split_files

PROGRAM_FILE = "<program>"

# Names of a program's files, by which its frames are known from ours.
own_files = {PROGRAM_FILE}


def compiled(source: str, entry: str) -> Callable[[], types.ModuleType]:
    """What runs a program, and returns the module with its entry.

    Raises: SyntaxError, with the file; FilesError, a ValueError; whatever else compiling raises.
    """
    files = split_files(source)
    if files is None:
        code = _compiled(source, PROGRAM_FILE)
        return lambda: _run(code)
    for path in files:
        top = module_of(path).partition(".")[0]
        if top in sys.modules:
            raise FilesError(f"{path}: {top} is the name of a module that is there already")
    name = module_of(entry_path(files, entry))
    sys.meta_path.insert(0, _OwnFiles(files))
    return lambda: importlib.import_module(name)


def _compiled(text: str, file: str) -> types.CodeType:
    # Files of a folder mean what they mean without us; one by itself has always had our
    # `from __future__ import annotations`, too.
    code = compile(text, file, "exec", dont_inherit=file != PROGRAM_FILE)
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    own_files.add(file)
    return code


def _run(code: types.CodeType) -> types.ModuleType:
    module = types.ModuleType("program")
    sys.modules["program"] = module
    exec(code, module.__dict__)
    return module


class _OwnFiles(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """A program's files as modules; a folder is a package, with or without `__init__.py`."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._codes = {module_of(path): _compiled(text, path) for path, text in files.items()}
        folders = {str(one) for path in files for one in PurePosixPath(path).parents} - {"."}
        self._packages = {folder.replace("/", ".") for folder in folders}
        nothing = compile("", PROGRAM_FILE, "exec")
        self._codes |= dict.fromkeys(self._packages - self._codes.keys(), nothing)

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in self._codes:
            return None
        return importlib.util.spec_from_loader(name, self, is_package=name in self._packages)

    def exec_module(self, module: types.ModuleType) -> None:
        exec(self._codes[module.__name__], module.__dict__)

"""The user's own code that a utility reaches: what a task's version covers.

Of the file of the utility those top-level statements that it uses, directly or not; of other
modules of the user's that these import the whole, and so on. The standard library, what is
installed in site-packages, and selftaught itself do not count. Files are read and parsed, as they
stand on the disk; nothing is imported or executed. Text counts as it stands, comments included.

What names no code does not count: modules that are imported by a computed name, and data that can
change, such as a list in a closure.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import sys
import textwrap
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from selftaught.core.own_files import OwnFile, find_spec, is_own, read_python, rebound
from selftaught.core.shown_source import first_line

# Larger collections hold data, not functions.
_LOOKED_INTO = 100


@dataclass(frozen=True, slots=True)
class Part:
    """A part of what makes a task's version.

    Attributes:
        digest: 16 hexadecimal digits of its text.
        where: its file, and the line of a definition; or empty.
    """

    digest: str
    where: str = ""


def part_of(text: str, where: str = "") -> Part:
    return Part(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16], where)


def own_code(utility: object) -> dict[str, Part]:
    """The code that a utility reaches, by the names of definitions and the paths of modules.

    Args:
        utility: a function, plain or async; a closure, a method, a partial, an object that can be
            called: what these hold is followed too, and files that it names as `own_files`.
    """
    reach = _Reach()
    reach.follow(utility)
    return reach.parts()


class _Reach:
    """What has been reached so far."""

    def __init__(self) -> None:
        self._files: dict[Path, OwnFile | None] = {}
        self._statements: dict[OwnFile, set[ast.stmt]] = {}
        self._modules: dict[str, Part] = {}
        self._others: dict[str, list[tuple[str, str]]] = {}
        self._seen: dict[int, object] = {}  # which keeps them, so that no id is used twice

    def parts(self) -> dict[str, Part]:
        texts = {name: list(found) for name, found in self._others.items()}
        for file, nodes in self._statements.items():
            for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
                where = f"{file.path}:{first_line(node)}"
                texts.setdefault(file.name(node), []).append((file.text(node), where))
        made = {
            name: part_of("\n".join(text for text, _ in found), found[0][1])
            for name, found in texts.items()
        }
        return made | self._modules

    def follow(self, value: Any, name: str = "", where: str = "") -> None:
        """What can be called, and plain data that cannot change; the latter by this name."""
        if _is_plain(value):
            if name:
                self._add(name, repr(value), where)
            return
        if id(value) in self._seen:
            return
        self._seen[id(value)] = value
        match value:
            case FunctionType():
                self._function(value)
            case MethodType():
                self.follow(value.__func__)
                self.follow(type(value.__self__))
                self._object(value.__self__)
            case functools.partial():
                self.follow(value.func)
                said = f"of partial {getattr(value.func, '__name__', '')}".rstrip()
                for at, argument in enumerate(value.args):
                    self.follow(argument, f"argument {at} {said}")
                for key, argument in value.keywords.items():
                    self.follow(argument, f"argument {key} {said}")
            case type():
                self._class(value)
            case ModuleType():
                self._module(value.__name__)
            case list() | tuple() | dict():
                self._held(value.values() if isinstance(value, dict) else value)
            case _ if callable(value):
                self.follow(type(value))
                self._object(value)
                for path in value.own_files if hasattr(type(value), "own_files") else ():
                    self._whole(path.name, path, "")

    # --- objects --------------------------------------------------------------------------------

    def _function(self, function: FunctionType) -> None:
        name, code = function.__qualname__.partition(".")[0], function.__code__
        path = _source_path(function)
        file = self._file(path)
        written: set[str] = set()
        if file is not None:
            first = file.at(name, code.co_firstlineno)
            self._use(file, first, function.__globals__.get("__package__") or "")
            written = {name for node in first for name in rebound(node)}
        elif path is None or is_own(path):
            written = self._without_file(function)
        cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
        for variable, cell in cells:
            try:
                held = cell.cell_contents
            except ValueError:
                continue  # it has no value yet
            if not (_is_plain(held) and variable in written):
                where = "" if file is None else f"{file.path}:{code.co_firstlineno}"
                self.follow(held, f"{variable} of {function.__qualname__}", where)
        self._held(vars(function).values())

    def _without_file(self, function: FunctionType) -> set[str]:
        """As in a notebook: by its source, or its code; the names that its source writes anew."""
        text = _source(function)
        written = set() if text is None else _rebound_in(text)
        self._add(function.__qualname__, text or _code_text(function.__code__))
        for name in sorted(_code_names(function.__code__) & function.__globals__.keys()):
            if name not in written:
                self.follow(function.__globals__[name], name)
        return written

    def _class(self, found: type) -> None:
        file = self._file(_source_path(found))
        module = sys.modules.get(found.__module__)
        if file is not None:
            name = found.__qualname__.partition(".")[0]
            self._use(file, file.at(name, 0), getattr(module, "__package__", None) or "")
        elif getattr(module, "__spec__", None) is None:  # of a notebook
            self._add(found.__qualname__, _source(found) or "")
            self._held(vars(found).values())
            self._held(found.__bases__)

    def _object(self, value: object) -> None:
        """What it holds; the values of a frozen one count too."""
        held = dict(getattr(value, "__dict__", {}))
        if is_dataclass(value):  # whose fields may be slots
            held |= {one.name: getattr(value, one.name, None) for one in fields(value)}
        frozen = getattr(getattr(value, "__dataclass_params__", None), "frozen", False)
        for name, attribute in held.items():
            if frozen or not _is_plain(attribute):
                self.follow(attribute, f"{name} of {type(value).__qualname__}")

    def _held(self, values: Collection[Any]) -> None:
        for value in values if len(values) <= _LOOKED_INTO else ():
            if callable(value) or isinstance(value, (list, tuple, dict)):
                self.follow(value)

    def _add(self, name: str, text: str, where: str = "") -> None:
        found = self._others.setdefault(name, [])
        if (text, where) not in found:
            found.append((text, where))

    # --- files ----------------------------------------------------------------------------------

    def _file(self, path: Path | None) -> OwnFile | None:
        """The statements of a file, if it is the user's and can be read."""
        if path is None or not is_own(path):
            return None
        if path not in self._files:
            text = read_python(path)
            self._files[path] = None if text is None else OwnFile(path, text)
        return self._files[path]

    def _use(self, file: OwnFile, first: Sequence[ast.stmt], package: str) -> None:
        nodes = set(file.reached(first))
        known = self._statements.setdefault(file, set())
        for node in nodes - known:
            self._imports(node, package)
        known |= nodes

    def _imports(self, tree: ast.AST, package: str) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self._module(alias.name)
            elif isinstance(node, ast.ImportFrom):
                parents = package.split(".")
                above = parents[: len(parents) - node.level + 1] if node.level else []
                base = ".".join([*above, *([node.module] if node.module else [])])
                if base and self._module(base):
                    for alias in node.names:
                        self._module(f"{base}.{alias.name}")

    def _module(self, name: str) -> bool:
        """Reach a module and its parents; whether it may be, or hold, the user's own."""
        parent = name.rpartition(".")[0]
        if parent and not self._module(parent):
            return False
        spec = find_spec(name)
        if spec is None:
            return False
        if not spec.has_location or spec.origin is None:
            return spec.submodule_search_locations is not None
        path = Path(spec.origin)
        if not is_own(path):
            return False
        label = name.replace(".", "/")
        is_package = spec.submodule_search_locations is not None
        label += "/__init__.py" if is_package else path.suffix
        self._whole(label, path, name if is_package else parent)
        return True

    def _whole(self, label: str, path: Path, package: str) -> None:
        """A file with all that is in it, by this label."""
        if label not in self._modules:
            text = read_python(path)
            said = path.read_bytes().hex() if text is None and path.is_file() else text or ""
            self._modules[label] = part_of(said, str(path))
            if text is not None:
                self._imports(ast.parse(text), package)


def _is_plain(value: object) -> bool:
    """Whether it is data that cannot change."""
    if isinstance(value, tuple):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, complex, str, bytes))


def _source(found: FunctionType | type) -> str | None:
    try:
        return inspect.getsource(found)
    except (OSError, TypeError):
        return None


def _source_path(found: FunctionType | type) -> Path | None:
    """The file that holds a function or a class; None if there is none, as in a notebook."""
    try:
        name = inspect.getsourcefile(found)
    except TypeError:
        return None
    path = None if name is None else Path(name).resolve()
    return path if path is not None and path.is_file() else None


def _code_text(code: CodeType) -> str:
    constants = (
        sorted(map(repr, c)) if isinstance(c, frozenset) else c
        for c in code.co_consts
        if not isinstance(c, CodeType)
    )
    inner = (_code_text(c) for c in code.co_consts if isinstance(c, CodeType))
    names = (code.co_names, code.co_varnames, code.co_freevars)
    return "\n".join([code.co_code.hex(), repr(names), *map(repr, constants), *inner])


def _code_names(code: CodeType) -> set[str]:
    inner = (_code_names(c) for c in code.co_consts if isinstance(c, CodeType))
    return set(code.co_names).union(*inner)


def _rebound_in(text: str) -> set[str]:
    try:
        return rebound(ast.parse(textwrap.dedent(text)))
    except SyntaxError:  # a lambda within a longer expression, whose lines are no statement
        return set()

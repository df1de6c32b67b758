"""What expressions of a program stand for, and the signs that rules find in them.

`dotted` names what an expression stands for: `os.system`, `builtins.exec`, `local.f` for what the
program defines, `<utility>` for what its entry is called with. `texts` are the strings it may be.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from selftaught.analysis.guest_programs.program import Given, Program, name_of

MOST_CHARS = 400_000
_MOST_SIGNS = 60
_MOST_CHARS_OF_LINE = 160
_DEEPEST, _MOST = 40, 16
# Calls whose result stands for what they are given.
_PASSES_ON = {"functools.partial", "functools.lru_cache", "functools.cache", "functools.wraps"}

Rule: TypeAlias = tuple[str, Callable[["Named", ast.AST], bool]]


class Named(Program):
    """A program's tree, what its names stand for, and the signs that were found in it."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._dotted: dict[ast.AST, frozenset[str]] = {}
        self._texts: dict[ast.AST, frozenset[str]] = {}

    def dotted(self, node: ast.AST | None, deep: int = 0) -> frozenset[str]:
        """All that an expression may stand for; empty if nothing is known."""
        if node is None or deep > _DEEPEST:
            return frozenset()
        if node not in self._dotted:
            self._dotted[node] = frozenset()  # for what is defined by itself
            self._dotted[node] = frozenset(sorted(self._find_dotted(node, deep + 1))[:_MOST])
        return self._dotted[node]

    def _find_dotted(self, node: ast.AST, deep: int) -> set[str]:
        match node:
            case ast.Name(id=name):
                given = self.given(node)
                return {f"builtins.{name}"} if given is None else self._of_given(given, deep)
            case ast.Attribute(value=base, attr=name):
                bases = self.dotted(base, deep)
                # An object that was put into an attribute is there: of its class, if that is known.
                given = self.attributes.get(name, [])
                classes = {one.removeprefix("local.").removesuffix("()") for one in bases}
                mine = [one for one in given if self._class_of(one) in classes]
                stored = self._of_given(mine or given, deep)
                return {_joined(one, name) for one in bases} | {
                    one for one in stored if one.startswith("<")
                }
            case ast.Call():
                return self._of_call(node, deep)
            case ast.Subscript(value=base, slice=key):
                return self._of_item(self.dotted(base, deep), self.texts(key, deep), deep)
            case ast.IfExp(body=body, orelse=orelse):
                return {*self.dotted(body, deep), *self.dotted(orelse, deep)}
            case ast.BoolOp(values=values):
                return {one for part in values for one in self.dotted(part, deep)}
            case ast.NamedExpr(value=value) | ast.Await(value=value) | ast.Starred(value=value):
                return set(self.dotted(value, deep))
        return set()

    def _class_of(self, given: Given) -> str:
        """The class whose method gives a value, or whose field it is."""
        if isinstance(given.by, ast.Call) and not given.inside:
            return name_of(given.by)
        return getattr(self.scope(self.scope(given.by)), "name", "")

    def _of_given(self, given: list[Given], deep: int) -> set[str]:
        found = {one.dotted for one in given if one.dotted is not None}
        values = [one.value for one in given if not one.inside]
        return found | {name for value in values for name in self.dotted(value, deep)}

    def _of_call(self, node: ast.Call, deep: int) -> set[str]:
        found: set[str] = set()
        first, *others = [*node.args, None]
        for function in self.dotted(node.func, deep):
            bases = self.dotted(first, deep)
            match function:
                case "builtins.__import__" | "importlib.import_module":
                    found |= self.texts(first, deep)
                case "builtins.getattr":
                    names = self.texts(others[0] if others else None, deep)
                    found |= {_joined(base, name) for base in bases for name in names}
                case "builtins.type" if len(node.args) == 1:
                    found |= {f"{one}.__class__" for one in bases}
                case "builtins.vars" if first is not None:
                    found |= {f"{one}.__dict__" for one in bases}
                case "builtins.globals" | "builtins.vars" | "builtins.locals":
                    found.add("globals")
                case _ if function.startswith("local."):
                    found.add(f"{function}()")
                case _ if function in _PASSES_ON:
                    found |= bases
        return found

    def _of_item(self, bases: frozenset[str], names: frozenset[str], deep: int) -> set[str]:
        """An item of a namespace by its name, or of a dict that holds one of the objects."""
        found: set[str] = set()
        for base in bases:
            if base == "sys.modules":
                found |= names
            elif base == "globals":
                for name in names:
                    found |= self._of_given(self._given.get((self.tree, name), []), deep)
                    found |= {f"builtins.{name}"} if name == "__builtins__" else set()
            elif base == "builtins.__builtins__" or base.endswith(".__dict__"):
                found |= {_joined(base.removesuffix(".__dict__"), name) for name in names}
        held = (value for name in names for value in self.items.get(name, ()))
        return found | {one for v in held for one in self.dotted(v, deep) if one.startswith("<")}

    def texts(self, node: ast.AST | None, deep: int = 0) -> frozenset[str]:
        """The strings that an expression may come to, as far as they can be told."""
        if node is None or deep > _DEEPEST:
            return frozenset()
        if node not in self._texts:
            self._texts[node] = frozenset()
            self._texts[node] = frozenset(sorted(self._find_texts(node, deep + 1))[:_MOST])
        return self._texts[node]

    def _find_texts(self, node: ast.AST, deep: int) -> set[str]:
        match node:
            case ast.Constant(value=str(text)):
                return {text}
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                return {a + b for a in self.texts(left, deep) for b in self.texts(right, deep)}
            case ast.JoinedStr(values=parts):
                return self._concatenated("", parts, deep)
            case ast.FormattedValue(value=value):
                return set(self.texts(value, deep))
            case ast.Call(func=ast.Attribute(value=between, attr="join"), args=[joined]):
                if isinstance(joined, (ast.Tuple, ast.List)):
                    for text in sorted(self.texts(between, deep))[:1]:
                        return self._concatenated(text, joined.elts, deep)
            case ast.IfExp(body=body, orelse=orelse):
                return {*self.texts(body, deep), *self.texts(orelse, deep)}
            case ast.Name():
                values = (one.value for one in self.given(node) or () if not one.inside)
                return {text for value in values for text in self.texts(value, deep)}
        return set()

    def _concatenated(self, between: str, parts: list[ast.expr], deep: int) -> set[str]:
        found = {""}
        for place, part in enumerate(parts):
            text = between if place else ""
            added = self.texts(part, deep)
            found = set(sorted(a + text + b for a in found for b in added)[:_MOST])
        return found


def read_signs(source: str, rules: Iterable[Rule]) -> dict[str, Any]:
    """The signs that rules find in a program, or why it could not be read.

    Returns: `{"signs": [[kind, line, text]]}` or `{"unreadable": why}`.
    """
    if len(source) > MOST_CHARS:
        return {"unreadable": f"longer than {MOST_CHARS:,} characters"}
    try:
        program = Named(source)
        found = {
            (getattr(node, "lineno", 0), kind)
            for node in program.nodes
            for kind, rule in rules
            if rule(program, node)
        }
    except SyntaxError as error:
        where = f" (line {error.lineno})" if error.lineno else ""
        return {"unreadable": f"{type(error).__name__}: {error.msg}{where}"}
    except (ValueError, RecursionError, MemoryError) as error:
        return {"unreadable": f"{type(error).__name__}: {str(error)[:200]}"}
    # Of one kind, one a line.
    texts = {line: program.lines[line - 1].strip() for line, _ in found}
    signs = [[kind, line, texts[line][:_MOST_CHARS_OF_LINE]] for line, kind in sorted(found)]
    return {"signs": signs[:_MOST_SIGNS]}


def starts(dotted: str, *tops: str) -> bool:
    """Whether a dotted name is one of these or in one of them."""
    return any(dotted == top or dotted.startswith(f"{top}.") for top in tops)


def _joined(base: str, name: str) -> str:
    """`base.name`, of which the same thing is always called the same."""
    if base in ("builtins", "builtins.__builtins__"):
        return f"builtins.{name}"
    return "sys.modules" if base == "sys" and name == "modules" else f"{base}.{name}"

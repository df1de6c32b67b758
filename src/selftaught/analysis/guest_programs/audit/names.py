"""What expressions of a program stand for.

A dotted name says what an expression is: `os.system`, `builtins.exec`, `local.f` for what the
program defines itself. What the program's entry is called with is marked: `<utility>`. An
expression may stand for several things.
"""

from __future__ import annotations

import ast

from selftaught.analysis.guest_programs.audit.scopes import Scopes, elements

_DEEPEST = 40
_MOST = 16
# Calls whose result stands for what they are given.
_PASSES_ON = {"functools.partial", "functools.lru_cache", "functools.cache", "functools.wraps"}


class Names:
    """Answers what expressions of one program stand for."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes
        self._dotted: dict[ast.AST, frozenset[str]] = {}
        self._texts: dict[ast.AST, frozenset[str]] = {}

    def dotted(self, node: ast.AST | None, deep: int = 0) -> frozenset[str]:
        """All that an expression may stand for; empty if nothing is known."""
        if node is None or deep > _DEEPEST:
            return frozenset()
        if node not in self._dotted:
            self._dotted[node] = frozenset()  # for what is defined by itself
            self._dotted[node] = frozenset(sorted(self._find_dotted(node, deep))[:_MOST])
        return self._dotted[node]

    def _find_dotted(self, node: ast.AST, deep: int) -> set[str]:
        match node:
            case ast.Name():
                return self._of_name(node, deep)
            case ast.Attribute():
                return self._of_attribute(node, deep)
            case ast.Call():
                return self._of_call(node, deep)
            case ast.Subscript():
                return self._of_item(node, deep)
            case ast.IfExp():
                return {*self.dotted(node.body, deep + 1), *self.dotted(node.orelse, deep + 1)}
            case ast.BoolOp():
                return {one for part in node.values for one in self.dotted(part, deep + 1)}
            case ast.NamedExpr() | ast.Await() | ast.Starred():
                return set(self.dotted(node.value, deep + 1))
        return set()

    def _of_name(self, node: ast.Name, deep: int) -> set[str]:
        bindings = self._scopes.bindings(node)
        if bindings is None:
            return {f"builtins.{node.id}"}
        found: set[str] = set()
        for one in bindings:
            if one.dotted is not None:
                found.add(one.dotted)
            elif one.value is not None:
                found |= self.dotted(one.value, deep + 1)
        return found

    def _of_attribute(self, node: ast.Attribute, deep: int) -> set[str]:
        found = {_joined(base, node.attr) for base in self.dotted(node.value, deep + 1)}
        # An object that was put into an attribute is there.
        for value in self.given(node, deep):
            if value is not node:
                found |= {one for one in self.dotted(value, deep + 2) if one.startswith("<")}
        return found

    def given(self, node: ast.Attribute, deep: int = 0) -> list[ast.expr]:
        """What the program gives an attribute: of its class, if that is known, else of any."""
        values = self._scopes.attributes.get(node.attr, [])
        bases = self.dotted(node.value, deep + 1)
        classes = {base.removeprefix("local.").removesuffix("()") for base in bases}
        mine = [value for owner, value in values if owner is None or owner in classes]
        has_class = any(owner in classes for owner, _ in values)
        return mine if has_class else [value for _, value in values]

    def _of_call(self, node: ast.Call, deep: int) -> set[str]:
        found: set[str] = set()
        for function in self.dotted(node.func, deep + 1):
            first = node.args[0] if node.args else None
            match function:
                case "builtins.__import__" | "importlib.import_module":
                    found |= self.texts(first, deep)
                case "builtins.getattr" if len(node.args) > 1:
                    names = self.texts(node.args[1], deep)
                    bases = self.dotted(first, deep + 1)
                    found |= {_joined(base, name) for base in bases for name in names}
                case "builtins.type" if len(node.args) == 1:
                    found |= {f"{one}.__class__" for one in self.dotted(first, deep + 1)}
                case "builtins.vars" if node.args:
                    found |= {f"{one}.__dict__" for one in self.dotted(first, deep + 1)}
                case "builtins.globals" | "builtins.vars" | "builtins.locals":
                    found.add("globals")
                case _ if function.startswith("local."):
                    found.add(f"{function}()")
                case _ if function in _PASSES_ON:
                    found |= self.dotted(first, deep + 1)
        return found

    def _of_item(self, node: ast.Subscript, deep: int) -> set[str]:
        """An item of a namespace by its name."""
        found: set[str] = set()
        names = self.texts(node.slice, deep)
        for base in self.dotted(node.value, deep + 1):
            if base == "sys.modules":
                found |= names
            elif base == "globals":
                known = (self._scopes.module.names.get(name) for name in names)
                given = [one for bindings in known if bindings for one in bindings]
                found |= {one.dotted for one in given if one.dotted is not None}
                found |= {f"builtins.{name}" for name in names if name == "__builtins__"}
            elif base == "builtins.__builtins__" or base.endswith(".__dict__"):
                found |= {_joined(base.removesuffix(".__dict__"), name) for name in names}
        for name in names:
            for value in self._scopes.items.get(name, ()):
                found |= {one for one in self.dotted(value, deep + 2) if one.startswith("<")}
        return found

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
            case ast.BinOp(op=ast.Add()):
                right = self.texts(node.right, deep)
                return {a + b for a in self.texts(node.left, deep) for b in right}
            case ast.JoinedStr():
                parts = {""}
                for part in node.values:
                    shown = part.value if isinstance(part, ast.FormattedValue) else part
                    added = self.texts(shown, deep)
                    parts = set(sorted(a + b for a in parts for b in added)[:_MOST])
                return parts
            case ast.Call(func=ast.Attribute(value=separator, attr="join"), args=[joined]):
                listed = [sorted(self.texts(one, deep)) for one in elements(joined)]
                between = sorted(self.texts(separator, deep))
                if between and listed and all(listed):
                    return {between[0].join(one[0] for one in listed)}
            case ast.IfExp():
                return {*self.texts(node.body, deep), *self.texts(node.orelse, deep)}
            case ast.Name():
                values = (one.value for one in self._scopes.bindings(node) or ())
                return {text for value in values for text in self.texts(value, deep)}
        return set()


def _joined(base: str, name: str) -> str:
    """`base.name`, of which the same thing is always called the same."""
    if base in ("builtins", "builtins.__builtins__"):
        return f"builtins.{name}"
    if base == "sys" and name == "modules":
        return "sys.modules"
    return f"{base}.{name}"

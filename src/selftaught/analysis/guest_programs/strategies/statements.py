"""Following statements."""

from __future__ import annotations

import ast

from selftaught.analysis.guest_programs.strategies.blocks import Blocks
from selftaught.analysis.guest_programs.strategies.graph import Flow, Guard, Node, Unreadable
from selftaught.analysis.guest_programs.strategies.state import Scope

ENTRY = "improve_algorithm"
INPUTS = ("solution", "utility", "model")


class Statements(Blocks):
    """Runs through statements in their order; each tells whether it leaves its block."""

    def program(self, tree: ast.Module) -> Flow:
        """What the program's entry does. Raises: Unreadable."""
        self.follow(tree.body)
        entry = self.scope.names.get(ENTRY)
        if entry is None:
            raise Unreadable(f"it defines no {ENTRY}")
        inputs = [self.node("input", name=name) for name in INPUTS]
        from_module = len(self.requests), len(self.scorings)
        returned = self.call(entry, self.all_placed(inputs))
        del self.requests[: from_module[0]], self.scorings[: from_module[1]]
        return Flow(self.requests, self.scorings, returned)

    def follow(self, body: list[ast.stmt]) -> bool:
        """A block; the conditions that its statements leave behind end with it."""
        guards = self.guards
        left = self.in_line(body)
        self.guards = guards
        return left

    def in_line(self, body: list[ast.stmt]) -> bool:
        for statement in body:
            self.line = statement.lineno
            raising = len(self.raising)
            if self._statement(statement):
                return True
            checks = [node for node in self.raising[raising:] if node.op in ("check", "call")]
            if self.tries and checks:  # what follows is not come to if they raise
                self.guards = (*self.guards, Guard(self.node("raises", *checks), False))
        return False

    def _statement(self, statement: ast.stmt) -> bool:
        match statement:
            case ast.Expr(value=value):
                self.evaluate(value)
            case ast.Assign(targets=targets, value=value):
                made = self.evaluate(value)
                for target in targets:
                    self.store(target, made)
            case ast.AnnAssign(target=target, value=value):
                if value is not None:
                    self.store(target, self.evaluate(value))
            case ast.AugAssign():
                self._augmented(statement)
            case ast.Return(value=value):
                made = self.const(None) if value is None else self.evaluate(value)
                if self.frames:
                    frame = self.frames[-1]
                    frame.returns.append((made, self.guards[frame.guards_before :]))
                return True
            case ast.Raise():
                self.raising.extend(guard.condition for guard in self.guards[-1:] if self.tries)
                return True
            case ast.Break() | ast.Continue():
                self.carry()
                return True
            case ast.Delete(targets=targets):
                for target in targets:
                    self._deleted(target)
            case ast.Nonlocal(names=names) | ast.Global(names=names):
                self.scope.shared.update(names)
            case ast.Import() | ast.ImportFrom():
                self._imported(statement)
            case _:
                return self._compound(statement)
        return False

    def _compound(self, statement: ast.stmt) -> bool:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                made = self.closure(statement)
                for decorator in reversed(statement.decorator_list):
                    made = self._decorated(decorator, made)
                self.assign(statement.name, made)
            case ast.ClassDef():
                self._class(statement)
            case ast.If():
                return self.follow_if(statement)
            case ast.For() | ast.AsyncFor():
                self.follow_for(statement)
            case ast.While():
                self.follow_while(statement)
            case ast.With() | ast.AsyncWith():
                return self.follow_with(statement)
            case ast.Try() | ast.TryStar():
                return self.follow_try(statement)
            case ast.Match():
                return self.follow_match(statement)
            case ast.Assert(test=test):
                self.guards = (*self.guards, Guard(self.evaluate(test), True))
                if self.tries:
                    self.raising.append(self.guards[-1].condition)
        return False

    # --- the rest ---------------------------------------------------------------------------------

    def _augmented(self, statement: ast.AugAssign) -> None:
        before = self.evaluate(statement.target)
        value = self.evaluate(statement.value)
        if isinstance(statement.op, (ast.Add, ast.BitOr)):
            held = self.containers(before)
            if held:
                for container in held:
                    self.put(container, value, spread=True)
                return
        self.store(statement.target, self.combined(statement.op, before, value))

    def _deleted(self, target: ast.expr) -> None:
        if not isinstance(target, ast.Subscript):
            return
        base = self.evaluate(target.value)
        if isinstance(target.slice, ast.Slice):
            self.store(target.value, self.node("slice", base))
        else:
            for container in self.containers(base):
                container.removals.append(self.line)

    def _imported(self, statement: ast.Import | ast.ImportFrom) -> None:
        for alias in statement.names:
            if isinstance(statement, ast.ImportFrom):
                full = f"{statement.module or ''}.{alias.name}"
                self.assign(alias.asname or alias.name, self.node("module", name=full))
            else:
                bound = alias.asname or alias.name.partition(".")[0]
                full = alias.name if alias.asname else bound
                self.assign(bound, self.node("module", name=full))

    def _decorated(self, decorator: ast.expr, function: Node) -> Node:
        made = self.evaluate(decorator)
        last = made.name.rpartition(".")[2] if made.op == "module" else ""
        match last:
            case "property" | "cached_property":
                return self.node("property", function)
            case "staticmethod":
                return self.node("static", function)
            case "classmethod":
                return self.node("classmethod", function)
            case "cache" | "lru_cache":
                return self.node("cached", function)
        if made.op == "closure":
            return self.call(made, self.all_placed([function]))
        return function

    def _class(self, statement: ast.ClassDef) -> None:
        bases = [self.evaluate(base) for base in statement.bases]
        made = self.node("class", *bases, name=statement.name)
        inside, outside = Scope(self.scope), self.scope
        self.assign(statement.name, made)
        self.scope = inside
        self.in_line(statement.body)
        self.scope = outside
        fields: dict[str, Node | None] = {}
        for field in statement.body:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                name = field.target.id
                fields[name] = self._default(field.value, inside.names.get(name))
        made.value = fields
        for name, value in inside.names.items():
            made.cells[name] = self.node("cell", name=name)
            self.put(made.cells[name], value)

    def _default(self, expression: ast.expr | None, value: Node | None) -> Node | None:
        """A field's default, or what makes it."""
        if isinstance(expression, ast.Call):
            for keyword in expression.keywords:
                if keyword.arg == "default_factory":
                    return self.node("factory", self.evaluate(keyword.value))
                if keyword.arg == "default":
                    return self.evaluate(keyword.value)
            if getattr(expression.func, "id", "") == "field":
                return None
        return value

"""Following statements."""

from __future__ import annotations

import ast

from selftaught.analysis.guest_programs.strategies.graph import Flow, Guard, Loop, Node, Unreadable
from selftaught.analysis.guest_programs.strategies.library import Library
from selftaught.analysis.guest_programs.strategies.state import Scope

ENTRY = "improve_algorithm"
INPUTS = ("solution", "utility", "model")


class Statements(Library):
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
        left = self._in_line(body)
        self.guards = guards
        return left

    def _in_line(self, body: list[ast.stmt]) -> bool:
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
                return self._if(statement)
            case ast.For() | ast.AsyncFor():
                self._for(statement)
            case ast.While():
                self._while(statement)
            case ast.With() | ast.AsyncWith():
                return self._with(statement)
            case ast.Try() | ast.TryStar():
                return self._try(statement)
            case ast.Match():
                return self._match(statement)
            case ast.Assert(test=test):
                self.guards = (*self.guards, Guard(self.evaluate(test), True))
                if self.tries:
                    self.raising.append(self.guards[-1].condition)
        return False

    # --- conditions -------------------------------------------------------------------------------

    def _if(self, statement: ast.If) -> bool:
        condition = self.evaluate(statement.test)
        then, otherwise = Guard(condition, True), Guard(condition, False)
        left = self.alternatives(
            [
                ((then,), lambda: self.follow(statement.body)),
                ((otherwise,), lambda: self.follow(statement.orelse)),
            ]
        )
        if left == [True, False]:
            self.guards = (*self.guards, otherwise)
        elif left == [False, True]:
            self.guards = (*self.guards, then)
        return all(left)

    def _match(self, statement: ast.Match) -> bool:
        subject = self.evaluate(statement.subject)
        branches = []
        for case in statement.cases:
            names = [node for node in ast.walk(case.pattern) if isinstance(node, ast.MatchAs)]
            condition = self.node("compare", subject)

            def follow(case: ast.match_case = case, names: list[ast.MatchAs] = names) -> bool:
                for node in names:
                    if node.name is not None:
                        self.assign(node.name, self.element(subject))
                return self.follow(case.body)

            branches.append(((Guard(condition, True),), follow))
        self.alternatives(branches)
        return False

    def _try(self, statement: ast.Try | ast.TryStar) -> bool:
        raising, guards = len(self.raising), self.guards
        self.tries += 1
        left = self._in_line(statement.body)
        self.tries -= 1
        self.guards = guards
        raises = self.node("raises", *self.raising[raising:])
        if statement.handlers:
            branches = [((Guard(raises, False),), lambda: left)]
            for handler in statement.handlers:
                branches.append(
                    ((Guard(raises, True),), lambda handler=handler: self._handled(handler))  # type: ignore[misc]
                )
            handled = self.alternatives(branches)
            if all(handled[1:]) and not left:
                self.guards = (*self.guards, Guard(raises, False))
            left = all(handled)
        if statement.orelse and not left:
            self.guards = (*self.guards, Guard(raises, False))
            left = self._in_line(statement.orelse)
            self.guards = self.guards if left else guards
        return self._in_line(statement.finalbody) or left

    def _handled(self, handler: ast.ExceptHandler) -> bool:
        if handler.name is not None:
            self.assign(handler.name, self.node("call", name="exception"))
        return self.follow(handler.body)

    def _with(self, statement: ast.With | ast.AsyncWith) -> bool:
        suppresses = False
        for item in statement.items:
            made = self.evaluate(item.context_expr)
            suppresses = suppresses or made.name.endswith("suppress")
            if item.optional_vars is not None:
                self.store(item.optional_vars, made)
        self.tries += suppresses
        guards = self.guards
        left = self._in_line(statement.body)
        self.tries -= suppresses
        if suppresses:
            self.guards = guards
        return left and not suppresses

    # --- loops ------------------------------------------------------------------------------------

    def _for(self, statement: ast.For | ast.AsyncFor) -> None:
        is_lazy = self._makes_generator(statement.iter)
        before = None if is_lazy else self.evaluate(statement.iter)
        loop = Loop("for", statement.lineno, before)

        def follow() -> None:
            source = self.evaluate(statement.iter) if before is None else before
            self.line = statement.lineno
            self.store(statement.target, self.element(source, loop))
            self.follow(statement.body)

        self.looped(loop, self._assigned(statement.body), follow)
        self._in_line(statement.orelse)

    def _makes_generator(self, expression: ast.expr) -> bool:
        """Whether it calls a generator of the program, which runs between the loop's turns."""
        if not isinstance(expression, ast.Call) or not isinstance(expression.func, ast.Name):
            return False
        return any(
            target.op == "closure"
            and any(isinstance(node, ast.Yield) for node in ast.walk(target.value[0]))
            for target in self.targets(self.lookup(expression.func.id))
        )

    def _while(self, statement: ast.While) -> None:
        loop = Loop("while", statement.lineno)

        def follow() -> None:
            self.evaluate(statement.test)  # says when the run ends, not what is done in it
            self.follow(statement.body)

        self.looped(loop, self._assigned([statement]), follow)
        self._in_line(statement.orelse)

    def _assigned(self, body: list[ast.stmt]) -> set[str]:
        """Names that a body may assign, also through functions that share them."""
        names: set[str] = set()
        waiting: list[ast.AST] = list(body)
        while waiting:
            node = waiting.pop()
            match node:
                case ast.Name(id=name, ctx=ast.Store()):
                    names.add(name)
                case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="sort")):
                    names.add(name)
                case ast.Call(func=ast.Attribute(attr="shuffle"), args=[ast.Name(id=name)]):
                    names.add(name)
                case ast.Assign(
                    targets=[ast.Subscript(value=ast.Name(id=name), slice=ast.Slice())]
                ):
                    names.add(name)
                case ast.Delete(targets=[ast.Subscript(value=ast.Name(id=name))]):
                    names.add(name)
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() | ast.ClassDef():
                    continue
            waiting.extend(ast.iter_child_nodes(node))
        scope: Scope | None = self.scope
        while scope is not None:
            for value in list(scope.names.values()):
                if value.op == "closure":
                    for inner in ast.walk(value.value[0]):
                        if isinstance(inner, (ast.Nonlocal, ast.Global)):
                            names.update(inner.names)
            scope = scope.outer
        return names

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
        self._in_line(statement.body)
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
